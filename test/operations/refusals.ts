import assert from "node:assert/strict";
import { BadRequestSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { Code, StatusError } from "../../src/base/errors.ts";

/** The INVALID_ARGUMENT that `action` must throw, after checking that its BadRequest names exactly `field`. */
export function refusal(field: string, action: () => unknown): StatusError {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof StatusError, `not a status error: ${error}`);
    assert.equal(error.code, Code.InvalidArgument);
    const details = error.details.filter((detail) => "desc" in detail && detail.desc === BadRequestSchema);
    assert.equal(details.length, 1);
    const value = (details[0] as unknown as { value: { fieldViolations: { field: string }[] } }).value;
    assert.deepEqual(
      value.fieldViolations.map((violation) => violation.field),
      [field],
    );
    return error;
  }
  assert.fail("nothing was thrown");
}
