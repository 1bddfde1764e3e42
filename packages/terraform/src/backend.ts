/** Where a stack's state lies, and how another stack reads its outputs. Always explicit: CDK's default writes an absolute path. */
import {
  DataTerraformRemoteStateGcs,
  DataTerraformRemoteStateLocal,
  DataTerraformRemoteStateS3,
  GcsBackend,
  LocalBackend,
  S3Backend,
  type TerraformStack,
} from 'cdktn';

export type Backend =
  | { readonly kind: 'local' }
  | { readonly kind: 'gcs'; readonly bucket: string }
  | { readonly kind: 's3'; readonly bucket: string; readonly region: string };

export interface BackendPlace {
  readonly backend: Backend;
  readonly instance: string;
}

/** State files lie beside the generated tree, never inside it: terraform/stacks/NAME -> state/NAME.tfstate. */
export function localStatePath(stack: string): string {
  return `../../../state/${stack}.tfstate`;
}

export function addBackend(stack: TerraformStack, name: string, { backend, instance }: BackendPlace): void {
  if (backend.kind === 'local') void new LocalBackend(stack, { path: localStatePath(name) });
  else if (backend.kind === 'gcs')
    void new GcsBackend(stack, { bucket: backend.bucket, prefix: `${instance}/${name}` });
  else void new S3Backend(stack, s3(backend, instance, name));
}

export function remoteState(stack: TerraformStack, from: string, { backend, instance }: BackendPlace): void {
  if (backend.kind === 'local') void new DataTerraformRemoteStateLocal(stack, from, { path: localStatePath(from) });
  else if (backend.kind === 'gcs')
    void new DataTerraformRemoteStateGcs(stack, from, { bucket: backend.bucket, prefix: `${instance}/${from}` });
  else void new DataTerraformRemoteStateS3(stack, from, s3(backend, instance, from));
}

function s3(backend: Extract<Backend, { kind: 's3' }>, instance: string, name: string) {
  const { bucket, region } = backend;
  // `use_lockfile`: locking by the bucket itself (Terraform 1.10), without a DynamoDB table.
  return { bucket, region, key: `${instance}/${name}.tfstate`, encrypt: true, useLockfile: true };
}
