/** As platforms require them and workers offer them. */
export interface Property {
  readonly name: string;
  readonly value: string;
}

/** Properties as one text: `ISA=arm64, OSFamily=linux`. */
export function propertiesText(properties: readonly Property[]): string {
  return properties.map(({ name, value }) => `${name}=${value}`).join(", ");
}
