/**
 * Condition operators of IAM policies; those it does not know never hold, so that a policy is not wider here than on AWS.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
 */
import { fits } from './pattern.ts';

type Test = (value: string, wanted: string) => boolean;

const tests: Readonly<Record<string, Test>> = {
  StringEquals: (value, wanted) => value === wanted,
  StringEqualsIgnoreCase: (value, wanted) => value.toLowerCase() === wanted.toLowerCase(),
  StringLike: (value, wanted) => fits(wanted, value),
  ArnEquals: (value, wanted) => fits(wanted, value),
  ArnLike: (value, wanted) => fits(wanted, value),
  Bool: (value, wanted) => value.toLowerCase() === wanted.toLowerCase(),
  NumericEquals: (value, wanted) => Number(value) === Number(wanted),
  NumericLessThan: (value, wanted) => Number(value) < Number(wanted),
  NumericLessThanEquals: (value, wanted) => Number(value) <= Number(wanted),
  NumericGreaterThan: (value, wanted) => Number(value) > Number(wanted),
};

const negated: Readonly<Record<string, string>> = {
  StringNotEquals: 'StringEquals',
  StringNotEqualsIgnoreCase: 'StringEqualsIgnoreCase',
  StringNotLike: 'StringLike',
  ArnNotEquals: 'ArnEquals',
  ArnNotLike: 'ArnLike',
};

/** Whether every operator and every key of a condition holds. */
export function holds(
  condition: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>,
  context: Readonly<Record<string, string>>,
): boolean {
  const values = new Map(Object.entries(context).map(([key, value]) => [key.toLowerCase(), value]));
  return Object.entries(condition).every(([written, keys]) => {
    const set = written.replace(/^For(All|Any)Values:/, '');
    const ifExists = set.endsWith('IfExists');
    const operator = ifExists ? set.slice(0, -'IfExists'.length) : set;
    return Object.entries(keys).every(([key, wanted]) => {
      const value = values.get(key);
      if (operator === 'Null') return wanted.includes(String(value === undefined));
      const opposite = negated[operator];
      if (value === undefined) return ifExists || opposite !== undefined;
      const test = tests[opposite ?? operator];
      if (test === undefined) return false;
      const some = wanted.some((one) => test(value, one));
      return opposite === undefined ? some : !some;
    });
  });
}
