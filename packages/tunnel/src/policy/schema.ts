import { destinationField, emailField } from '@postern/core';
import { z } from 'zod';

/** policy.yaml: who may reach what through whom. Nothing is allowed that no rule allows. */

/** Rules above this are a generated file gone wrong; a decision among this many still takes microseconds. */
const rulesMax = 100_000;
/** Per rule. */
const entriesMax = 10_000;

const ruleName = z
  .string()
  .min(1)
  .max(128)
  // eslint-disable-next-line no-control-regex -- a rule's name is printed to logs and terminals
  .regex(/^[^\x00-\x1f\x7f]+$/, { error: 'has a control character' })
  .describe('Names the rule in the audit log; unique in the file.');

const ruleSchema = z.strictObject({
  name: ruleName,
  clients: z.array(emailField()).max(entriesMax).describe('Identities of tunnel clients, compared letter by letter.'),
  agents: z.array(emailField()).max(entriesMax).describe('Identities of agents that may carry the connection.'),
  destinations: z.array(destinationField()).max(entriesMax).describe('host:port, *.suffix:port or CIDR:port.'),
});

export const policySchema = z.strictObject({
  apiVersion: z.literal('postern.dev/v1'),
  kind: z.literal('TunnelPolicy'),
  rules: z
    .array(ruleSchema)
    .max(rulesMax)
    .check(
      z.superRefine(
        (rules, context) => {
          for (const index of repeatedNames(rules))
            context.addIssue({
              code: 'custom',
              path: [index, 'name'],
              message: `${JSON.stringify(rules[index]?.name)} names an earlier rule too; names are unique`,
            });
        },
        // Also beside other problems in the rules: all are reported at once.
        { when: ({ value }) => Array.isArray(value) },
      ),
    ),
});

export type Policy = z.infer<typeof policySchema>;
export type Rule = Policy['rules'][number];

/** Indexes of rules whose name an earlier rule has. Rules may be malformed here: their own problems are reported elsewhere. */
function repeatedNames(rules: readonly unknown[]): number[] {
  const seen = new Set<string>();
  const repeated: number[] = [];
  for (const [index, rule] of rules.entries()) {
    const name = typeof rule === 'object' && rule !== null && 'name' in rule ? rule.name : undefined;
    if (typeof name !== 'string') continue;
    if (seen.has(name)) repeated.push(index);
    seen.add(name);
  }
  return repeated;
}
