/** ECR repositories, and the records of EKS. */
import assert from 'node:assert/strict';
import type { Case } from '../support/case.ts';
import { vpcWithSubnets } from '../support/fixtures.ts';

export const registryCases: readonly Case[] = [
  {
    name: 'a repository keeps images by digest, its policies, and is deleted by force when not empty',
    async run(stage) {
      const { a } = stage;
      const repositoryName = stage.name('tenant/block');
      const made = await a.ecr.createRepository({ repositoryName, imageScanningConfiguration: { scanOnPush: true } });
      stage.cleanup(() =>
        a.ecr
          .deleteRepository({ repositoryName, force: true })
          .catch((error: Error) => assert.equal(error.name, 'RepositoryNotFoundException')),
      );
      assert.ok(made.repository?.repositoryUri?.endsWith(`/${repositoryName}`));
      await assert.rejects(a.ecr.createRepository({ repositoryName }), { name: 'RepositoryAlreadyExistsException' });
      const manifest = JSON.stringify({
        schemaVersion: 2,
        mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
        config: { digest: 'sha256:0', size: 1 },
        layers: [],
      });
      const { image } = await a.ecr.putImage({ repositoryName, imageManifest: manifest, imageTag: 'v1' });
      const { imageDetails: images } = await a.ecr.describeImages({ repositoryName, imageIds: [{ imageTag: 'v1' }] });
      assert.equal(images?.[0]?.imageDigest, image?.imageId?.imageDigest);
      await assert.rejects(a.ecr.describeImages({ repositoryName, imageIds: [{ imageTag: 'v2' }] }), {
        name: 'ImageNotFoundException',
      });
      await assert.rejects(a.ecr.getLifecyclePolicy({ repositoryName }), { name: 'LifecyclePolicyNotFoundException' });
      await assert.rejects(a.ecr.deleteRepository({ repositoryName }), { name: 'RepositoryNotEmptyException' });
      await a.ecr.deleteRepository({ repositoryName, force: true });
      await assert.rejects(a.ecr.describeRepositories({ repositoryNames: [repositoryName] }), {
        name: 'RepositoryNotFoundException',
      });
    },
  },
  {
    name: 'a cluster becomes active, has an issuer, and takes access entries',
    motoLacks: 'moto has no access entries',
    async run(stage) {
      const { a, accountA } = stage;
      const { subnets } = await vpcWithSubnets(stage, a, '10.60');
      const name = stage.name('cluster');
      await a.eks.createCluster({
        name,
        roleArn: `arn:aws:iam::${accountA}:role/cluster`,
        resourcesVpcConfig: { subnetIds: subnets },
        accessConfig: { authenticationMode: 'API' },
      });
      stage.cleanup(() => a.eks.deleteCluster({ name }));
      const status = async () => (await a.eks.describeCluster({ name })).cluster?.status;
      await stage.eventually('the cluster to be active', async () => (await status()) === 'ACTIVE');
      assert.match(
        (await a.eks.describeCluster({ name })).cluster?.identity?.oidc?.issuer ?? '',
        /^https:\/\/oidc\.eks\./,
      );
      const principalArn = `arn:aws:iam::${accountA}:role/deployer`;
      await a.eks.createAccessEntry({ clusterName: name, principalArn });
      await assert.rejects(a.eks.createAccessEntry({ clusterName: name, principalArn }), {
        name: 'ResourceInUseException',
      });
      assert.ok((await a.eks.listAccessEntries({ clusterName: name })).accessEntries?.includes(principalArn));
      await assert.rejects(a.eks.describeNodegroup({ clusterName: name, nodegroupName: 'none' }), {
        name: 'ResourceNotFoundException',
      });
    },
  },
];
