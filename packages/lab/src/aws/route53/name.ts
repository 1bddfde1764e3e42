/** Domain names as Route 53 keeps them: lower case, absolute, `*` as `\052`. */
import { AwsError } from '../error.ts';

export function normalName(text: string): string {
  const name = text.toLowerCase().replace(/\.?$/, '.').replaceAll('*', '\\052');
  if (name.length > 256 || name === '.' || !/^(?:[^.\s]{1,63}\.)+$/.test(name))
    throw new AwsError('InvalidDomainName', `'${text}' is not a valid domain name`);
  return name;
}
