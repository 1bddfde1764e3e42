/** The configuration alone: what reads and checks config.yaml, and loads no Terraform library. PURE. */
export type { AwsSide, Backend, ConnectSide, DnsRoute, Instance, NodePool, PrivateLink } from './model.ts';
export { type LoadedInstance, parseInstance } from './load.ts';
export { defaultProjectID } from './scaffold.ts';
export { type InstanceDocument, instanceSchema } from './schema.ts';
