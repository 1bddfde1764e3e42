/** The environment's stacks and their order. PURE. */

export const stackNames = ['network', 'registry', 'circleci', 'eks', 'kube'] as const;
export type StackName = (typeof stackNames)[number];

/** What must stand before. `circleci` holds the identities of all CI providers; the name is the original's. */
export const stackAfter: Readonly<Record<StackName, readonly StackName[]>> = {
  network: [],
  registry: [],
  circleci: [],
  eks: ['network', 'circleci'],
  kube: ['eks'],
};

/** `kube` is applied to the API server and not by Terraform. */
export const terraformStacks = ['network', 'registry', 'circleci', 'eks'] as const;
export type TerraformStackName = (typeof terraformStacks)[number];

/** What a stack needs, nearest last; the stack itself left out. */
export function upstream(stack: StackName): StackName[] {
  const needed = new Set<StackName>();
  const visit = (name: StackName): void => {
    for (const before of stackAfter[name]) {
      visit(before);
      needed.add(before);
    }
  };
  visit(stack);
  return stackNames.filter((name) => needed.has(name));
}

/** A stack is destroyed before what it was built on. */
export function destroyOrder(names: readonly StackName[]): StackName[] {
  return stackNames.filter((name) => names.includes(name)).toReversed();
}
