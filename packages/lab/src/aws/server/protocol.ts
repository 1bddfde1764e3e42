/** The five wire protocols: how a request names its operation and carries its input, how answers and refusals are written. */
import type { IncomingHttpHeaders } from 'node:http';
import { readForm } from '../codec/form.ts';
import { readJson, toJson } from '../codec/json.ts';
import { readBindings, type Routed, route, writeHeaders } from '../codec/rest.ts';
import { escapeXml, readXml, writeMembers } from '../codec/xml.ts';
import { AwsError } from '../error.ts';
import type { OperationModel, ServiceModel } from '../model/service.ts';

export interface WireRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface WireReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Parsed {
  readonly operation: OperationModel;
  readonly input: Record<string, unknown>;
}

const xmlDeclaration = '<?xml version="1.0" encoding="UTF-8"?>\n';

/** The name of the operation, as far as it can be told without the model's consent: for the journal. */
export function operationName(service: ServiceModel, request: WireRequest): string {
  switch (service.protocol) {
    case 'ec2':
    case 'query':
      return formOf(request).get('Action') ?? '';
    case 'json':
      return (
        String(request.headers['x-amz-target'] ?? '')
          .split('.')
          .at(-1) ?? ''
      );
    default:
      return route(service.operations.values(), request.method, request.url)?.operation.name ?? '';
  }
}

export function parseRequest(service: ServiceModel, request: WireRequest): Parsed {
  switch (service.protocol) {
    case 'ec2':
    case 'query': {
      const form = formOf(request);
      const operation = service.operations.get(form.get('Action') ?? '');
      if (operation === undefined)
        // https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonErrors.html
        throw new AwsError(
          'InvalidAction',
          `The action ${form.get('Action') ?? ''} is not valid for this web service.`,
        );
      return { operation, input: readForm(operation.input, form, service.protocol) as Record<string, unknown> };
    }
    case 'json': {
      const operation = service.operations.get(operationName(service, request));
      if (operation === undefined) throw new AwsError('UnknownOperationException', 'unknown operation');
      return { operation, input: readJson(operation.input, request.body) };
    }
    default:
      return parseRest(service, request);
  }
}

function parseRest(service: ServiceModel, request: WireRequest): Parsed {
  const routed: Routed | undefined = route(service.operations.values(), request.method, request.url);
  if (routed === undefined)
    throw new AwsError(
      'UnknownOperationException',
      `no operation of ${service.name} is ${request.method} ${request.url.pathname}`,
      404,
    );
  const { operation } = routed;
  const hasBody = request.body !== '' && operation.input.isStructSchema();
  const input = !hasBody
    ? {}
    : service.protocol === 'rest-xml'
      ? readXml(operation.input, request.body)
      : readJson(operation.input, request.body);
  if (!operation.input.isStructSchema()) return { operation, input: {} };
  return { operation, input: readBindings(operation.input, routed, request.url, request.headers, input) };
}

function formOf(request: WireRequest): URLSearchParams {
  return new URLSearchParams(request.method === 'GET' ? request.url.search : request.body);
}

export function writeReply(
  service: ServiceModel,
  operation: OperationModel,
  output: object,
  requestId: string,
): WireReply {
  const { name } = operation;
  const headers: Record<string, string> = { 'x-amzn-requestid': requestId };
  const members = operation.output.isStructSchema() ? operation.output : undefined;
  const xml = (): string => (members === undefined ? '' : writeMembers(members, output, name));
  switch (service.protocol) {
    case 'ec2':
      return xmlReply(
        200,
        headers,
        `<${name}Response xmlns="${service.namespace}"><requestId>${requestId}</requestId>${plain(members, xml())}</${name}Response>`,
      );
    case 'query': {
      const result = members === undefined ? '' : `<${name}Result>${xml()}</${name}Result>`;
      return xmlReply(
        200,
        headers,
        `<${name}Response xmlns="${service.namespace}">${result}<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></${name}Response>`,
      );
    }
    case 'rest-xml':
      return xmlReply(
        operation.http?.[2] ?? 200,
        { ...headers, ...writeHeaders(operation.output, output) },
        `<${name}Response xmlns="${service.namespace}">${xml()}</${name}Response>`,
      );
    default: {
      const body = members === undefined ? {} : toJson(members, output, name);
      const contentType = service.protocol === 'json' ? 'application/x-amz-json-1.1' : 'application/json';
      return {
        status: operation.http?.[2] ?? 200,
        headers: { ...headers, 'content-type': contentType },
        body: JSON.stringify(body),
      };
    }
  }
}

/** Operations without members answer `<return>true</return>` in EC2: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteVpc.html */
function plain(members: unknown, xml: string): string {
  return members === undefined ? '<return>true</return>' : xml;
}

export function writeError(service: ServiceModel | undefined, error: AwsError, requestId: string): WireReply {
  const headers: Record<string, string> = { 'x-amzn-requestid': requestId };
  const [code, message] = [escapeXml(error.code), escapeXml(error.message)];
  switch (service?.protocol) {
    case 'ec2':
      return xmlReply(
        error.status,
        headers,
        `<Response><Errors><Error><Code>${code}</Code><Message>${message}</Message></Error></Errors><RequestID>${requestId}</RequestID></Response>`,
      );
    case 'json':
    case 'rest-json':
      return {
        status: error.status,
        headers: { ...headers, 'content-type': 'application/json', 'x-amzn-errortype': error.code },
        body: JSON.stringify({ __type: error.code, message: error.message }),
      };
    default: {
      const type = error.status >= 500 ? 'Receiver' : 'Sender';
      const namespace = service === undefined ? '' : ` xmlns="${service.namespace}"`;
      return xmlReply(
        error.status,
        headers,
        `<ErrorResponse${namespace}><Error><Type>${type}</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>${requestId}</RequestId></ErrorResponse>`,
      );
    }
  }
}

function xmlReply(status: number, headers: Record<string, string>, body: string): WireReply {
  return { status, headers: { ...headers, 'content-type': 'text/xml;charset=UTF-8' }, body: xmlDeclaration + body };
}
