/**
 * playbook/terraform: what the customer applies in their own AWS account. Written for people who will read it before they run
 * it, so it is HCL with variables and not generated JSON.
 */
import type { AwsSide, Instance } from '../config/model.ts';
import { awsPartition } from '../config/regions.ts';
import { providerVersions } from '@postern/terraform';

/** The policy name that the console shows; TLS 1.3 and, for older clients, 1.2. */
const sslPolicy = 'ELBSecurityPolicy-TLS13-1-2-2021-06';

export function playbookTerraform(instance: Instance, aws: AwsSide): Map<string, string> {
  return new Map([
    ['terraform/main.tf', main()],
    ['terraform/variables.tf', variables(instance, aws)],
    ['terraform/outputs.tf', outputs()],
    ['terraform/versions.tf', versions()],
  ]);
}

function main(): string {
  return `# An internal load balancer in front of the code host, and the endpoint service that exposes it to exactly one AWS account.

provider "aws" {
  region = var.region
}

locals {
  # TLS ends at the load balancer when it has a certificate; otherwise every byte passes through as it is.
  tls = var.certificate_arn != null
}

resource "aws_lb" "code_host" {
  name                             = var.name
  internal                         = true
  load_balancer_type               = "network"
  subnets                          = var.private_subnet_ids
  enable_cross_zone_load_balancing = true
  enable_deletion_protection       = true
  tags                             = var.tags
}

resource "aws_lb_target_group" "code_host" {
  for_each = toset([for port in var.ports : tostring(port)])

  name_prefix = "ch\${substr(each.value, 0, 4)}"
  port        = tonumber(each.value)
  protocol    = local.tls ? "TLS" : "TCP"
  target_type = "ip"
  vpc_id      = var.vpc_id
  tags        = var.tags

  health_check {
    protocol = "TCP"
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_lb_target_group_attachment" "code_host" {
  for_each = {
    for pair in setproduct([for port in var.ports : tostring(port)], var.target_ips) :
    "\${pair[0]}-\${pair[1]}" => { port = pair[0], ip = pair[1] }
  }

  target_group_arn = aws_lb_target_group.code_host[each.value.port].arn
  target_id        = each.value.ip
}

resource "aws_lb_listener" "code_host" {
  for_each = aws_lb_target_group.code_host

  load_balancer_arn = aws_lb.code_host.arn
  port              = tonumber(each.key)
  protocol          = local.tls ? "TLS" : "TCP"
  ssl_policy        = local.tls ? var.ssl_policy : null
  certificate_arn   = var.certificate_arn
  tags              = var.tags

  default_action {
    type             = "forward"
    target_group_arn = each.value.arn
  }
}

resource "aws_vpc_endpoint_service" "code_host" {
  acceptance_required        = var.acceptance_required
  network_load_balancer_arns = [aws_lb.code_host.arn]
  allowed_principals         = [var.allowed_principal]
  private_dns_name           = var.private_dns_name
  tags                       = var.tags
}

# Run only after the TXT record of the output "txt_record" is in PUBLIC DNS: it asks AWS to look.
resource "aws_vpc_endpoint_service_private_dns_verification" "code_host" {
  count = var.private_dns_name != null && var.txt_record_is_published ? 1 : 0

  service_id            = aws_vpc_endpoint_service.code_host.id
  wait_for_verification = true
}
`;
}

function variables({ name }: Instance, aws: AwsSide): string {
  const ports = [...new Set(aws.privateLinks.flatMap((link) => link.ports))].toSorted((a, b) => a - b);
  const principal = `arn:${awsPartition(aws.region)}:iam::${aws.accountID}:root`;
  return `variable "name" {
  description = "Name of the load balancer, at most 32 characters."
  type        = string
  default     = "code-host"
}

variable "region" {
  description = "The endpoint service must lie in this region: the other side's VPC is there."
  type        = string
  default     = "${aws.region}"
}

variable "vpc_id" {
  description = "VPC of the code host."
  type        = string
}

variable "private_subnet_ids" {
  description = "Private subnets for the load balancer, one in each zone. An internal load balancer needs no public one."
  type        = list(string)
}

variable "target_ips" {
  description = "Private addresses of the code host."
  type        = list(string)
}

variable "ports" {
  description = "TCP ports to expose."
  type        = list(number)
  default     = [${(ports.length === 0 ? [443] : ports).join(', ')}]
}

variable "certificate_arn" {
  description = "ACM certificate for the code host's own name, to end TLS at the load balancer. Null: TLS stays with the host."
  type        = string
  default     = null
}

variable "ssl_policy" {
  description = "TLS policy of the listener, where the load balancer ends TLS."
  type        = string
  default     = "${sslPolicy}"
}

variable "allowed_principal" {
  description = "The one account that may connect: the account dedicated to ${name}. Nobody else's."
  type        = string
  default     = "${principal}"
}

variable "acceptance_required" {
  description = "Accept the connection by hand. False: being the allowed principal is enough."
  type        = bool
  default     = true
}

variable "private_dns_name" {
  description = "The code host's own name, if the other side shall resolve it inside its VPC. Null: none."
  type        = string
  default     = null
}

variable "txt_record_is_published" {
  description = "Set to true once the TXT record is in public DNS."
  type        = bool
  default     = false
}

variable "tags" {
  description = "Tags of everything made here."
  type        = map(string)
  default     = {}
}
`;
}

function outputs(): string {
  return `output "service_name" {
  description = "Send this back."
  value       = aws_vpc_endpoint_service.code_host.service_name
}

output "txt_record" {
  description = "Publish this TXT record in public DNS, where a private DNS name is used."
  value = [
    for record in aws_vpc_endpoint_service.code_host.private_dns_name_configuration :
    { type = record.type, name = "\${record.name}.\${var.private_dns_name}", value = record.value }
  ]
}
`;
}

function versions(): string {
  const { source, version } = providerVersions.aws;
  return `terraform {
  required_version = ">= 1.5.0"

  required_providers {
    aws = {
      source  = "${source}"
      version = "~> ${version.split('.').slice(0, 2).join('.')}"
    }
  }
}
`;
}
