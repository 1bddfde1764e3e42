/** The address of a resolver, apart from the schema that reads it: the running proxy needs no schemas. */

/** Where queries go. A resolver is an address: to resolve a name it would first have to resolve a name. */
export interface ResolverAddress {
  readonly address: string;
  readonly port: number;
}

export function resolverText({ address, port }: ResolverAddress): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
