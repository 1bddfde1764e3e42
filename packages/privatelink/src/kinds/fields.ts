import { parseHost } from '@postern/core';
import { z } from 'zod';

/** The scalar fields of the PrivateLink kinds. Each says what is wrong and what a right one looks like; none changes its value. */

const text = (pattern: RegExp, what: string, max = 255) =>
  z
    .string()
    .max(max)
    .regex(pattern, { error: (issue) => `${JSON.stringify(issue.input)} is not ${what}` });

/** Ids are letters and digits after the prefix; AWS writes 8 or 17 hexadecimal ones, documents shorter names such as vpc-1. */
export const vpcId = () => text(/^vpc-[a-z0-9-]+$/, 'a VPC id such as vpc-0bf2b8faf1c7d200b');
export const subnetId = () => text(/^subnet-[a-z0-9-]+$/, 'a subnet id such as subnet-0bf2b8faf1c7d200b');
export const securityGroupId = () => text(/^sg-[a-z0-9-]+$/, 'a security group id such as sg-0bf2b8faf1c7d200b');
/** `us-east-1`, `us-gov-west-1`, `cn-north-1`, and in any letter case, as Hive's controller compares them. JSON Schema has no `i` flag. */
export const region = () => text(/^[A-Za-z0-9]+(-[A-Za-z0-9]+)+$/, 'a region such as us-east-1', 64);
export const zoneName = () => text(/^[A-Za-z0-9]+(-[A-Za-z0-9]+)+$/, 'an availability zone such as us-east-1a', 64);

export const principalPattern =
  /^(\*|arn:aws(-[a-z]+)*:(iam::(\d{12}|aws):(root|(role|user|group)\/[\w+=,.@/-]+)|sts::\d{12}:(assumed-role|federated-user)\/[\w+=,.@/-]+))$/;

/** Whom an endpoint service may allow: an account, a role or a user, by ARN; `*` is everybody. */
export const principal = () =>
  text(
    principalPattern,
    'a principal such as arn:aws:iam::123456789012:root or arn:aws:iam::123456789012:role/NAME',
    2048,
  );

export const roleArn = () =>
  text(
    /^arn:aws(-[a-z]+)*:iam::\d{12}:role\/[\w+=,.@/-]+$/,
    'a role such as arn:aws:iam::123456789012:role/NAME',
    2048,
  );

export const hostName = () =>
  z.string().refine((name) => parseHost(name).kind === 'name' && !name.startsWith('*'), {
    error: (issue) => `${JSON.stringify(issue.input)} is not a host name such as api.acme.example`,
  });

/** A reference to an object of the same or a fixed namespace. */
export const nameRef = () =>
  z.strictObject({ name: text(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, "an object's name", 253) });
export type NameRef = { readonly name: string };

/** AWS: at most 50 tags a resource; ours are two. */
export const userTags = () =>
  z
    .record(z.string().min(1).max(128), z.string().max(256))
    .refine((tags) => Object.keys(tags).length <= 40, 'has more than 40 tags; AWS takes 50, of which some are ours')
    .refine(
      (tags) => !Object.keys(tags).some((key) => key.startsWith('aws:')),
      'has a tag that begins with aws:, which AWS reserves',
    );
