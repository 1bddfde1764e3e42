/** What CloudFormation keeps of a stack. */
import { Kind, type Stored } from '../world/kind.ts';

export interface Made {
  readonly logical: string;
  readonly type: string;
  /** What `Ref` gives. */
  readonly physical: string;
  /** What `Fn::GetAtt` gives. */
  readonly attributes: Readonly<Record<string, string>>;
  /** How it is taken away again: an operation of EC2 and its input. */
  readonly undo: { readonly action: string; readonly input: Readonly<Record<string, unknown>> } | undefined;
}

export interface Stack extends Stored {
  readonly name: string;
  readonly description: string | undefined;
  readonly template: string;
  readonly parameters: Readonly<Record<string, string>>;
  resources: Made[];
  outputs: { readonly key: string; readonly value: string; readonly description: string | undefined }[];
  reason?: string;
}

export const stacks = new Kind<Stack>('stack');
