/** Words that REAPI gives a meaning inside of resource names, so that no part of an instance name may be one. */
export const RESERVED_SEGMENTS: ReadonlySet<string> = new Set([
  "blobs",
  "uploads",
  "actions",
  "actionResults",
  "operations",
  "capabilities",
  "compressed-blobs",
]);

/** Property of a lease's requirements that names the job's instance, for bots that serve every instance. */
export const INSTANCE_PROPERTY = "opgrid.instance";
