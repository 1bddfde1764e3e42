/** Who may reach what. PURE: decisions of the server and of the agent, with nothing but arguments. */
export * from './agent-list.ts';
export * from './decide.ts';
export { policySchema, type Policy, type Rule } from './schema.ts';
export { isSpecialAddress } from './special-addresses.ts';
