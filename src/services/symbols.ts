import type { DescEnum, DescExtension, DescFile, DescMessage, DescService } from "@bufbuild/protobuf";
import { nestedTypes } from "@bufbuild/protobuf/reflect";

type DescType = DescMessage | DescEnum | DescExtension | DescService;

/** Where each full name is declared: of types, and of their methods, fields, oneofs and values. */
export function symbolsOf(files: readonly DescFile[]): ReadonlyMap<string, DescFile> {
  const symbols = new Map<string, DescFile>();
  for (const file of files) {
    for (const type of nestedTypes(file)) {
      for (const name of [type.typeName, ...membersOf(type)]) symbols.set(name, file);
    }
  }
  return symbols;
}

function membersOf(type: DescType): string[] {
  const within = (scope: string, members: readonly { readonly name: string }[]) =>
    members.map(({ name }) => `${scope}.${name}`);
  switch (type.kind) {
    case "service":
      return within(type.typeName, type.methods);
    case "message":
      return within(type.typeName, [...type.fields, ...type.oneofs]);
    case "enum":
      // By protobuf's rule a value stands beside its enum; many people and tools look for it inside.
      return [type.parent?.typeName ?? type.file.proto.package, type.typeName].flatMap((scope) =>
        within(scope, type.values),
      );
    case "extension":
      return [];
  }
}
