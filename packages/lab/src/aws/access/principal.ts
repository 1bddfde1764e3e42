/** Who signed a call. */
export type Principal =
  | { readonly kind: 'root'; readonly account: string; readonly arn: string; readonly userId: string }
  | {
      readonly kind: 'user';
      readonly account: string;
      readonly arn: string;
      readonly userId: string;
      readonly name: string;
    }
  | {
      readonly kind: 'session';
      readonly account: string;
      /** `arn:aws:sts::123456789012:assumed-role/NAME/SESSION`. */
      readonly arn: string;
      readonly userId: string;
      readonly role: string;
      readonly roleArn: string;
      /** Session policies narrow what the role may do. */
      readonly policies: readonly string[];
    }
  | { readonly kind: 'anonymous'; readonly account: string; readonly arn: string; readonly userId: string };

export const anonymous: Principal = { kind: 'anonymous', account: '', arn: 'anonymous', userId: '' };
