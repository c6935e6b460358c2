import assert from "node:assert/strict";
import { test } from "node:test";
import {
  buildsPath,
  invocationPath,
  nameIn,
  operationPath,
  operationsPath,
  workersPath,
} from "../../dashboard/src/location/paths.ts";
import { pageTitle } from "../../dashboard/src/location/title.ts";

test("paths keep the instance, and slashes in names", () => {
  assert.equal(operationPath("a/b/0198c0de"), "/operations/a/b/0198c0de");
  assert.equal(operationPath("a/b/0198c0de", "a/b"), "/operations/a/b/0198c0de?instance=a%2Fb");
  assert.equal(operationPath("0198c0de", ""), "/operations/0198c0de?instance=");
  assert.equal(workersPath("-"), "/workers");
  assert.equal(buildsPath("-"), "/invocations");
  assert.equal(buildsPath("main", "correlated"), "/invocations?instance=main&kind=correlated");
  assert.equal(operationsPath("main", "stage = QUEUED"), "/?instance=main&filter=stage+%3D+QUEUED");
  assert.equal(invocationPath("main", "x?y#z", "correlated"), "/invocations/x%3Fy%23z?instance=main&kind=correlated");
});

test("a name comes out of its path as it went in", () => {
  for (const id of ["a/b", "../..//x", "./a", "a%2Fb", "50%", "<b>?#&", "//x", "ä \u202e\n"]) {
    const { pathname } = new URL(invocationPath("-", id), "http://127.0.0.1");
    assert.equal(nameIn(pathname), id);
  }
  assert.equal(nameIn("/operations/a%/b%20c"), "a%/b c");
});

test("titles say first what sets a page apart", () => {
  const title = (path: string, instance = "-", filter?: string) => pageTitle({ path, instance, filter });
  assert.equal(title("/"), "Operations · opgrid");
  assert.equal(title("/", "main", " stage = QUEUED "), "stage = QUEUED · main · opgrid");
  assert.equal(title("/", "", "x".repeat(100)), `${"x".repeat(60)}… · (nameless) · opgrid`);
  assert.equal(title("/operations/main/0198c0de-0000-7000-8000-00112233aabb"), "Operation 00112233aabb · opgrid");
  assert.equal(title("/invocations/build-7", "main"), "Build build-7 · main · opgrid");
  assert.equal(title("/invocations"), "Builds · opgrid");
  assert.equal(title("/invocations/ci/build/7"), "Build ci/build/7 · opgrid");
  assert.equal(title("/workers"), "Workers and queue · opgrid");
  assert.equal(title("/overview", "main"), "Overview · main · opgrid");
  assert.equal(title("/none"), "No such page · opgrid");
});
