/** What every room that writes Terraform shares: typed resources, where state lies, HCL for readers. PURE. */
export * from './backend.ts';
export * from './bindings.gen.ts';
export * from './construct.ts';
export * from './hcl.ts';
