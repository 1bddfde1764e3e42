/** Regions and the cities people call them by: a document that says one and means the other is a cluster in another country. PURE. */

const cities: Readonly<Record<string, readonly string[]>> = {
  'us-east-1': ['Virginia', 'N. Virginia', 'Northern Virginia'],
  'us-east-2': ['Ohio'],
  'us-west-1': ['N. California', 'California'],
  'us-west-2': ['Oregon'],
  'ca-central-1': ['Canada', 'Montreal'],
  'ca-west-1': ['Calgary'],
  'sa-east-1': ['Sao Paulo', 'São Paulo'],
  'eu-central-1': ['Frankfurt', 'Germany'],
  'eu-central-2': ['Zurich', 'Zürich'],
  'eu-west-1': ['Ireland', 'Dublin'],
  'eu-west-2': ['London'],
  'eu-west-3': ['Paris'],
  'eu-south-1': ['Milan'],
  'eu-south-2': ['Spain', 'Aragon'],
  'eu-north-1': ['Stockholm'],
  'me-south-1': ['Bahrain'],
  'me-central-1': ['UAE', 'Dubai'],
  'il-central-1': ['Tel Aviv', 'Israel'],
  'af-south-1': ['Cape Town'],
  'ap-south-1': ['Mumbai'],
  'ap-south-2': ['Hyderabad'],
  'ap-east-1': ['Hong Kong'],
  'ap-southeast-1': ['Singapore'],
  'ap-southeast-2': ['Sydney'],
  'ap-southeast-3': ['Jakarta'],
  'ap-southeast-4': ['Melbourne'],
  'ap-southeast-5': ['Malaysia'],
  'ap-northeast-1': ['Tokyo'],
  'ap-northeast-2': ['Seoul'],
  'ap-northeast-3': ['Osaka'],
};

export const regions = Object.keys(cities);

export function cityOf(region: string): string | undefined {
  return cities[region]?.[0];
}

export function regionOfCity(city: string): string | undefined {
  const wanted = city.trim().toLowerCase();
  return regions.find((region) => cities[region]!.some((name) => name.toLowerCase() === wanted));
}

/** What is wrong when a region and a city are named together; undefined when they agree or the city is not known. */
export function contradiction(region: string, city: string): string | undefined {
  const meant = regionOfCity(city);
  if (meant === undefined || meant === region) return undefined;
  return `${region} is ${cityOf(region) ?? 'another place'}; ${city.trim()} is ${meant}. Say which one is meant`;
}
