import assert from 'node:assert/strict'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { test } from 'node:test'
import { randomBytes } from 'node:crypto'
import { makeDevelopmentPki } from '../../src/dev/development-pki.js'
import { root } from '../support/shared.js'
import { freePorts, run } from '../cli/program.js'
import { at, documentsOf, listAt } from './documents.js'

const folder = 'deploy/kubernetes'
const [kustomization] = documentsOf(`${folder}/kustomization.yaml`)
const resources = listAt(kustomization, 'resources').map(String)
const objects = resources.flatMap((file) => documentsOf(`${folder}/${file}`))
const ofKind = (kind: string): readonly unknown[] => objects.filter((each) => at(each, 'kind') === kind)
const [deployment] = ofKind('Deployment')
const pod = at(deployment, 'spec', 'template', 'spec')
const [container] = listAt(pod, 'containers')
const name = 'ror-gateway'

test('kustomize is told of every file, and every file is there', () => {
  const here = readdirSync(join(root, folder)).filter(
    (file) => file.endsWith('.yaml') && file !== 'kustomization.yaml',
  )
  assert.deepEqual([...resources].sort(), here.sort())
  const generated = listAt(kustomization, 'configMapGenerator').flatMap((each) => listAt(each, 'files'))
  const below = ['config', 'whitelist-sandbox', 'whitelist-production'].flatMap((each) =>
    readdirSync(join(root, folder, each)).map((file) => `${each}/${file}`),
  )
  assert.deepEqual(generated.map(String).sort(), below.sort())
})

test('every object says what it is, and the kinds are those of a gateway in service', () => {
  for (const object of objects) {
    for (const path of [['apiVersion'], ['kind'], ['metadata', 'name']]) {
      assert.equal(typeof at(object, ...path), 'string', `${JSON.stringify(object)} ${path.join('.')}`)
    }
  }
  for (const kind of [
    'Namespace',
    'ServiceAccount',
    'Deployment',
    'Service',
    'PodDisruptionBudget',
    'NetworkPolicy',
    'ServiceMonitor',
  ]) {
    assert.ok(ofKind(kind).length > 0, kind)
  }
})

test('the image has a version, never `latest`', () => {
  const [image] = listAt(kustomization, 'images')
  assert.equal(at(image, 'name'), at(container, 'image'))
  assert.match(String(at(image, 'newTag')), /^\d+\.\d+\.\d+$/)
})

test('the pod is restricted: no root, no privilege, nothing writable but its own folder', () => {
  assert.equal(at(pod, 'securityContext', 'runAsNonRoot'), true)
  assert.equal(at(pod, 'securityContext', 'seccompProfile', 'type'), 'RuntimeDefault')
  assert.equal(at(pod, 'automountServiceAccountToken'), false)
  const security = at(container, 'securityContext')
  assert.equal(at(security, 'allowPrivilegeEscalation'), false)
  assert.equal(at(security, 'readOnlyRootFilesystem'), true)
  assert.deepEqual(at(security, 'capabilities', 'drop'), ['ALL'])
  const writable = listAt(container, 'volumeMounts').filter((mount) => at(mount, 'readOnly') !== true)
  assert.deepEqual(
    writable.map((mount) => at(mount, 'mountPath')),
    ['/var/lib/ror-gateway'],
  )
  assert.equal(at(container, 'resources', 'limits', 'memory') === undefined, false)
  assert.equal(at(container, 'resources', 'requests', 'cpu') === undefined, false)
})

test('files are mounted as folders, so that they change while the pod runs', () => {
  const volumes = new Set(listAt(pod, 'volumes').map((volume) => at(volume, 'name')))
  const mounts = listAt(container, 'volumeMounts')
  assert.equal(mounts.length, volumes.size)
  for (const mount of mounts) {
    assert.equal(at(mount, 'subPath'), undefined)
    assert.ok(volumes.has(at(mount, 'name')), String(at(mount, 'name')))
  }
  assert.equal(at(kustomization, 'generatorOptions', 'disableNameSuffixHash'), true)
})

test('whoever selects pods selects these', () => {
  const labels = at(deployment, 'spec', 'template', 'metadata', 'labels')
  const selectors = [
    at(deployment, 'spec', 'selector', 'matchLabels'),
    ...ofKind('Service').map((each) => at(each, 'spec', 'selector')),
    ...ofKind('PodDisruptionBudget').map((each) => at(each, 'spec', 'selector', 'matchLabels')),
    ...ofKind('NetworkPolicy').map((each) => at(each, 'spec', 'podSelector', 'matchLabels')),
  ]
  for (const selector of selectors) assert.deepEqual(selector, labels)
  const admin = ofKind('Service').find((each) => at(each, 'metadata', 'name') === `${name}-admin`)
  const monitored = at(ofKind('ServiceMonitor')[0], 'spec', 'selector', 'matchLabels')
  assert.deepEqual(at(admin, 'metadata', 'labels'), monitored)
})

test('ports are named once, and probes, services and policies name them', () => {
  const ports = new Map(
    listAt(container, 'ports').map((port) => [at(port, 'name'), at(port, 'containerPort')]),
  )
  const [config] = documentsOf(`${folder}/config/gateway.yaml`)
  for (const environment of listAt(config, 'environments')) {
    assert.equal(ports.get(at(environment, 'name')), at(environment, 'listen', 'port'))
  }
  assert.equal(ports.get('admin'), at(config, 'admin', 'listen', 'port'))
  const named = [
    ...['startupProbe', 'readinessProbe', 'livenessProbe'].map((probe) =>
      at(container, probe, 'httpGet', 'port'),
    ),
    ...ofKind('Service').flatMap((each) =>
      listAt(each, 'spec', 'ports').map((port) => at(port, 'targetPort')),
    ),
    ...ofKind('NetworkPolicy').flatMap((each) =>
      listAt(each, 'spec', 'ingress').flatMap((rule) =>
        listAt(rule, 'ports').map((port) => at(port, 'port')),
      ),
    ),
  ]
  assert.ok(named.length >= 9)
  for (const port of named) assert.ok(ports.has(port), String(port))
})

test('a stop leaves time to drain', () => {
  const [config] = documentsOf(`${folder}/config/gateway.yaml`)
  const drain = Number(at(config, 'shutdown', 'drainSeconds'))
  assert.ok(Number(at(pod, 'terminationGracePeriodSeconds')) >= drain + 5 + 5)
})

test('the pod’s files, laid out as a kubelet does, make a gateway that answers its probes and takes up a changed ConfigMap', async (context) => {
  const place = mkdtempSync(join(tmpdir(), 'ror-pod-'))
  context.after(() => {
    rmSync(place, { recursive: true, force: true })
  })
  const pki = join(place, 'pki')
  await makeDevelopmentPki(pki, Date.now())
  const [sandbox = 0, production = 0, admin = 0] = await freePorts(3)
  const inPod = (path: string): string => join(place, path)
  // a CRL that is fetched daily stands here as it was fetched; the national addresses are not asked
  const adapted = (text: string): string =>
    text
      .replaceAll('0.0.0.0, port: 8443', `127.0.0.1, port: ${sandbox}`)
      .replaceAll('0.0.0.0, port: 8444', `127.0.0.1, port: ${production}`)
      .replaceAll('0.0.0.0, port: 9464', `127.0.0.1, port: ${admin}`)
      .replaceAll('/var/lib/ror-gateway/', inPod('/var/lib/ror-gateway/'))
      .replaceAll('http://igc-sante.esante.gouv.fr/', 'http://127.0.0.1:9/')
  const contents = new Map<string, ReadonlyMap<string, string>>()
  for (const map of listAt(kustomization, 'configMapGenerator')) {
    const files = listAt(map, 'files').map((file) => {
      const text = readFileSync(join(root, folder, String(file)), 'utf8')
      return [basename(String(file)), adapted(text)] as const
    })
    contents.set(String(at(map, 'name')), new Map(files))
  }
  const read = (file: string): string => readFileSync(join(pki, file), 'utf8')
  contents.set(
    'ror-gateway-trust',
    new Map([
      ['test-ca.pem', read('test-ca.pem')],
      ['prod-ca.pem', read('prod-ca.pem')],
    ]),
  )
  for (const environment of ['sandbox', 'production']) {
    contents.set(
      `ror-gateway-server-tls-${environment}`,
      new Map([
        ['tls.crt', read(`${environment}.pem`)],
        ['tls.key', read(`${environment}.key`)],
      ]),
    )
  }
  const secret = (): string => randomBytes(48).toString('base64')
  contents.set(
    'ror-gateway-tickets',
    new Map([
      ['sandbox.key', secret()],
      ['production.key', secret()],
    ]),
  )

  const mounts = new Map(
    listAt(container, 'volumeMounts').map((mount) => [at(mount, 'name'), String(at(mount, 'mountPath'))]),
  )
  for (const volume of listAt(pod, 'volumes')) {
    const mounted = inPod(mounts.get(at(volume, 'name')) ?? '')
    const source = at(volume, 'configMap', 'name') ?? at(volume, 'secret', 'secretName')
    mkdirSync(mounted, { recursive: true })
    if (typeof source !== 'string') continue
    const files = contents.get(source)
    assert.ok(files !== undefined, `${source} is mounted and made nowhere`)
    layOut(mounted, files)
  }
  for (const range of ['test', 'prod']) {
    for (const kind of ['root', 'organisations']) {
      cpSync(join(pki, `${range}-ca.crl`), inPod(`/var/lib/ror-gateway/${range}-${kind}.crl`))
    }
  }

  const args = listAt(container, 'args').map((arg) => String(arg).replace(/^\/etc\//, `${place}/etc/`))
  const gateway = run(args)
  context.after(() => gateway.process.kill('SIGKILL'))
  await gateway.until('in force')
  for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe']) {
    const response = await fetch(
      `http://127.0.0.1:${admin}${String(at(container, probe, 'httpGet', 'path'))}`,
    )
    assert.equal(response.status, 200, probe)
  }
  const whitelist = contents.get('ror-gateway-whitelist-sandbox') ?? new Map<string, string>()
  const changed = new Map(
    [...whitelist].map(([file, text]) => [file, text.replace('350054680', '350054698')]),
  )
  layOut(inPod('/etc/ror-gateway/whitelist-sandbox'), changed)
  await gateway.until('configuration reloaded')
  gateway.process.kill('SIGTERM')
  assert.equal(await gateway.ended, 0, gateway.stderr())
  const [line = ''] = gateway.stdout().split('\n')
  assert.equal(at(JSON.parse(line), 'event'), 'start')
})

/** Writes a volume's files as a kubelet does: a new folder, and one symbolic link that is swapped. */
function layOut(mounted: string, files: ReadonlyMap<string, string>): void {
  const version = mkdtempSync(join(mounted, '..2026_'))
  for (const [file, text] of files) writeFileSync(join(version, file), text, { mode: 0o600 })
  symlinkSync(basename(version), join(mounted, '..data_tmp'))
  renameSync(join(mounted, '..data_tmp'), join(mounted, '..data'))
  for (const file of files.keys()) {
    const link = join(mounted, file)
    if (!readdirSync(dirname(link)).includes(file)) symlinkSync(`..data/${file}`, link)
  }
}
