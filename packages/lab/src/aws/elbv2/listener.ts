/** Listeners. https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateListener.html */
import type * as sdk from '@aws-sdk/client-elastic-load-balancing-v2';
import { AwsError } from '../error.ts';
import type { Operations } from '../model/operations.ts';
import type { Call } from '../world/call.ts';
import { page } from '../world/page.ts';
import { needBalancer } from './load-balancer.ts';
import { type Listener, listeners } from './records.ts';
import { elbTags } from './tags.ts';
import { needGroup } from './target-group.ts';

export const listenerOperations: Operations<typeof sdk> = {
  CreateListener(call, input) {
    const balancer = needBalancer(call, input.LoadBalancerArn);
    const port = input.Port ?? 0;
    if (listeners.all(call.world).some((one) => one.balancer === balancer.id && one.port === port))
      throw new AwsError(
        'DuplicateListener',
        `A listener already exists on port ${port} for this load balancer '${balancer.id}'`,
      );
    const path = balancer.id.slice(balancer.id.indexOf(':loadbalancer/') + ':loadbalancer/'.length);
    const listener = listeners.put(call.world, {
      ...call.born(call.arn('elasticloadbalancing', `listener/${path}/${call.world.hex(16)}`), elbTags(input.Tags)),
      balancer: balancer.id,
      protocol: input.Protocol ?? 'TCP',
      port,
      actions: actionsOf(call, input.DefaultActions),
      certificates: (input.Certificates ?? []).flatMap(({ CertificateArn }) => CertificateArn ?? []),
      sslPolicy:
        input.SslPolicy ??
        (input.Protocol === 'TLS' || input.Protocol === 'HTTPS' ? 'ELBSecurityPolicy-2016-08' : undefined),
      alpn: input.AlpnPolicy ?? [],
    });
    return { Listeners: [show(listener)] };
  },

  DescribeListeners(call, input) {
    const wanted =
      input.ListenerArns?.map((arn) => needListener(call, arn)) ??
      listeners.list(call).filter(({ balancer }) => balancer === needBalancer(call, input.LoadBalancerArn).id);
    const { items, next } = page(call, wanted, ({ id }) => id, {
      max: input.PageSize,
      token: input.Marker,
      usual: 400,
      most: 400,
    });
    return { Listeners: items.map(show), NextMarker: next };
  },

  ModifyListener(call, input) {
    const listener = needListener(call, input.ListenerArn);
    listener.port = input.Port ?? listener.port;
    listener.protocol = input.Protocol ?? listener.protocol;
    listener.sslPolicy = input.SslPolicy ?? listener.sslPolicy;
    listener.alpn = input.AlpnPolicy ?? listener.alpn;
    if (input.Certificates !== undefined)
      listener.certificates = input.Certificates.flatMap(({ CertificateArn }) => CertificateArn ?? []);
    if (input.DefaultActions !== undefined) listener.actions = actionsOf(call, input.DefaultActions);
    return { Listeners: [show(listener)] };
  },

  DeleteListener(call, input) {
    listeners.remove(call.world, needListener(call, input.ListenerArn).id);
    return {};
  },

  DescribeListenerAttributes: (call, input) => ({
    Attributes:
      needListener(call, input.ListenerArn).protocol === 'TCP'
        ? [{ Key: 'tcp.idle_timeout.seconds', Value: '350' }]
        : [],
  }),

  DescribeListenerCertificates: (call, input) => ({
    Certificates: needListener(call, input.ListenerArn).certificates.map((CertificateArn, i) => ({
      CertificateArn,
      IsDefault: i === 0,
    })),
  }),
};

function needListener(call: Call, arn: string | undefined): Listener {
  const listener = listeners.mine(call, arn);
  if (listener === undefined)
    throw new AwsError('ListenerNotFound', `One or more listeners not found: '[${arn ?? ''}]'`);
  return listener;
}

function actionsOf(call: Call, actions: readonly sdk.Action[] | undefined): sdk.Action[] {
  return (actions ?? []).map((action) => {
    const arn = action.TargetGroupArn ?? action.ForwardConfig?.TargetGroups?.[0]?.TargetGroupArn;
    if (action.Type !== 'forward' || arn === undefined) return action;
    needGroup(call, arn);
    return { ...action, TargetGroupArn: arn };
  });
}

function show(listener: Listener): sdk.Listener {
  return {
    ListenerArn: listener.id,
    LoadBalancerArn: listener.balancer,
    Port: listener.port,
    Protocol: listener.protocol,
    DefaultActions: listener.actions,
    ...(listener.certificates.length > 0
      ? { Certificates: listener.certificates.map((CertificateArn) => ({ CertificateArn })) }
      : {}),
    ...(listener.sslPolicy === undefined ? {} : { SslPolicy: listener.sslPolicy }),
    ...(listener.alpn.length > 0 ? { AlpnPolicy: listener.alpn } : {}),
  };
}
