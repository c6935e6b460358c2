import { once } from "node:events";
import { credentials, startS3 } from "./ceph.ts";

// Runs the S3 server of the tests until it is told to end, for who wants to try a farm on a machine without one.
const stop = Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
await using server = await startS3();
console.log(
  `export AWS_ACCESS_KEY_ID='${credentials.accessKeyId}' AWS_SECRET_ACCESS_KEY='${credentials.secretAccessKey}'`,
);
console.log(`export OPGRID_CAS_S3_ENDPOINT=${server.endpoint} OPGRID_CAS_S3_BUCKET=${await server.createBucket()}`);
await stop;
