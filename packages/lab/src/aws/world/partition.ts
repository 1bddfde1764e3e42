/** Partitions, regions and their zones. */

export function partitionOf(region: string): string {
  if (region.startsWith('us-gov-')) return 'aws-us-gov';
  if (region.startsWith('cn-')) return 'aws-cn';
  return 'aws';
}

/** The domain of a partition's service addresses. */
export function dnsSuffix(region: string): string {
  return region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
}

/** https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html */
export const regions: readonly string[] = [
  'af-south-1',
  'ap-east-1',
  'ap-east-2',
  'ap-northeast-1',
  'ap-northeast-2',
  'ap-northeast-3',
  'ap-south-1',
  'ap-south-2',
  'ap-southeast-1',
  'ap-southeast-2',
  'ap-southeast-3',
  'ap-southeast-4',
  'ap-southeast-5',
  'ap-southeast-7',
  'ca-central-1',
  'ca-west-1',
  'cn-north-1',
  'cn-northwest-1',
  'eu-central-1',
  'eu-central-2',
  'eu-north-1',
  'eu-south-1',
  'eu-south-2',
  'eu-west-1',
  'eu-west-2',
  'eu-west-3',
  'il-central-1',
  'me-central-1',
  'me-south-1',
  'mx-central-1',
  'sa-east-1',
  'us-east-1',
  'us-east-2',
  'us-gov-east-1',
  'us-gov-west-1',
  'us-west-1',
  'us-west-2',
];

/** Regions that have other zones than a, b and c. */
const zoneLetters: Readonly<Record<string, string>> = {
  'us-east-1': 'abcdef',
  'us-west-2': 'abcd',
  'ap-northeast-2': 'abcd',
};

export interface Zone {
  readonly name: string;
  readonly id: string;
}

/** A zone's id begins with the region's short name: `use1-az1`, `euc1-az2`. */
export function zonesOf(region: string): Zone[] {
  return (zoneLetters[region] ?? 'abc').split('').map((letter, i) => ({
    name: `${region}${letter}`,
    id: `${shortRegion(region)}-az${i + 1}`,
  }));
}

const directions: Readonly<Record<string, string>> = {
  north: 'n',
  south: 's',
  east: 'e',
  west: 'w',
  central: 'c',
  northeast: 'ne',
  northwest: 'nw',
  southeast: 'se',
  southwest: 'sw',
};

function shortRegion(region: string): string {
  const parts = region.split('-');
  const [number, direction] = [parts.at(-1) ?? '', parts.at(-2) ?? ''];
  const area = parts
    .slice(0, -2)
    .map((part) => (part === 'gov' ? 'g' : part))
    .join('');
  return `${area}${directions[direction] ?? direction}${number}`;
}
