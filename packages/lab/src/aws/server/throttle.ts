/** How each service says "too fast"; the SDKs retry all of these. */
import { AwsError } from '../error.ts';

export function throttled(service: string): AwsError {
  switch (service) {
    case 'ec2':
      // https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
      return new AwsError('RequestLimitExceeded', 'Request limit exceeded.', 503);
    case 'ecr':
      return new AwsError('ThrottlingException', 'Rate exceeded', 400);
    case 'eks':
      return new AwsError('ThrottlingException', 'Rate exceeded', 429);
    default:
      // https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html#limits-api-requests
      return new AwsError('Throttling', 'Rate exceeded', 400);
  }
}
