/** Does a waiver speak of this finding in this image, and is it in force? */
import type { Package } from './evidence.ts';
import type { Finding } from './finding.ts';
import { type Image, digestIn, parseImage } from './image.ts';
import type { VexComponent, VexProduct } from './openvex.ts';
import { type Purl, covers, parsePurl } from './purl.ts';
import type { Waiver } from './waiver.ts';

export interface Circumstances {
  readonly image: Image;
  /** The sandbox the image is to run in; undefined where the gate runs alone. */
  readonly environment: string | undefined;
  readonly nowMs: number;
}

/** The vulnerability ids a waiver answers to, upper case. */
export function idsOf(waiver: Waiver): string[] {
  return [waiver.statement.vulnerability.name, ...waiver.statement.vulnerability.aliases].map((id) => id.toUpperCase());
}

/** The ids are taken to match already. */
export function speaksOf(waiver: Waiver, finding: Finding, { image, environment }: Circumstances): boolean {
  const { images, packages, environments } = waiver.scope;
  if (environments !== undefined && (environment === undefined || !environments.includes(environment))) return false;
  if (images !== undefined && !images.some((reference) => isImage(reference, image))) return false;
  if (packages !== undefined && !packages.some((purl) => isPackage(purl, finding.package))) return false;
  const products = waiver.statement.products ?? [];
  return products.length === 0 || products.some((product) => isProduct(product, finding.package, image));
}

/** Why the waiver does not hold now; undefined when it does. `expired` is told apart, because it once held. */
export function notInForce(
  waiver: Waiver,
  finding: Finding | undefined,
  nowMs: number,
): { readonly expired: boolean; readonly why: string } | undefined {
  const { approval, statement } = waiver;
  const no = (why: string) => ({ expired: false, why });
  if (approval === undefined)
    return no('an OpenVEX statement alone has no owner, approver and expiry: wrap it in a Waiver');
  if (approval.expiryMs <= nowMs) return { expired: true, why: `expired at ${iso(approval.expiryMs)}` };
  if (approval.createdMs !== undefined && approval.createdMs > nowMs)
    return no(`holds only from ${iso(approval.createdMs)}`);
  if (approval.approver.toLowerCase() === approval.owner.toLowerCase())
    return no('its owner has approved it: the approver must be someone else');
  if (statement.status === 'under_investigation') return no('the analysis is not finished (under_investigation)');
  if (statement.status === 'fixed') return no('it says fixed, and the scan still finds it: scan the fixed image');
  if (finding === undefined) return undefined;
  if (approval.scoreMax !== undefined && (finding.resolved.score ?? 10) > approval.scoreMax)
    return no(`was approved for a score up to ${approval.scoreMax}; it is now ${finding.resolved.score ?? 'unknown'}`);
  // What is being exploited in the wild is not a risk to accept; that the code is not there at all may still be shown.
  if (finding.knownExploited && statement.status === 'affected')
    return no('the vulnerability is known to be exploited; accepting it is no longer possible');
  return undefined;
}

function isImage(reference: string, image: Image): boolean {
  const digest = digestIn(reference);
  if (digest !== undefined && digest !== image.digest) return false;
  if (reference.startsWith('sha256:')) return true;
  const parsed = parseImage(reference);
  return !('kind' in parsed) && parsed.name === image.name;
}

/** A product is the image (by OCI purl, reference, digest or hash), narrowed to subcomponents; or the package itself. */
function isProduct(product: VexProduct, found: Package, image: Image): boolean {
  const purl = purlOf(product);
  const subcomponents = product.subcomponents ?? [];
  const whole =
    purl === undefined || purl.type === 'oci' || purl.type === 'docker' ? isThisImage(product, purl, image) : undefined;
  if (whole === undefined) return isPackagePurl(purl!, found) && subcomponents.length === 0;
  if (!whole) return false;
  return subcomponents.length === 0 || subcomponents.some((part) => isComponent(part, found));
}

function isThisImage(product: VexProduct, purl: Purl | undefined, image: Image): boolean {
  for (const [algorithm, hash] of Object.entries(product.hashes ?? {}))
    if (/^sha-?256$/i.test(algorithm)) return image.digest === `sha256:${hash.toLowerCase()}`;
  const id = product['@id'] ?? '';
  if (purl === undefined) return isImage(id, image);
  const digest = digestIn(purl.version);
  if (digest !== undefined && digest !== image.digest) return false;
  const repository = purl.qualifiers.get('repository_url');
  const bare = image.name.toLowerCase();
  if (repository !== undefined) {
    const wanted = repository.toLowerCase();
    // The spec's examples end the URL with the name or leave it out.
    return bare === wanted || bare === `${wanted}/${purl.name}`;
  }
  return bare.split('/').at(-1) === purl.name.split('/').at(-1) && (digest !== undefined || purl.version === undefined);
}

function isComponent(part: VexComponent, found: Package): boolean {
  const purl = purlOf(part);
  return purl === undefined
    ? part['@id'] === found.name || part['@id'] === `${found.name}@${found.version ?? ''}`
    : isPackagePurl(purl, found);
}

function isPackage(reference: string, found: Package): boolean {
  const purl = parsePurl(reference);
  return purl === undefined
    ? reference === found.name || reference === `${found.name}@${found.version ?? ''}`
    : isPackagePurl(purl, found);
}

/** ECR, Inspector and SARIF name packages without a purl: name and version then have to do. */
function isPackagePurl(wanted: Purl, found: Package): boolean {
  const actual = found.purl === undefined ? undefined : parsePurl(found.purl);
  if (actual !== undefined) return covers(wanted, actual);
  const name = found.name.toLowerCase();
  const wantedName = wanted.name.toLowerCase();
  return (
    (name === wantedName || name === wantedName.split('/').at(-1)) &&
    (wanted.version === undefined || wanted.version === found.version)
  );
}

function purlOf(component: VexComponent): Purl | undefined {
  return parsePurl(component.identifiers?.['purl'] ?? component['@id'] ?? '');
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
