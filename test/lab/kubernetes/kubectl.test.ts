import { execFile, spawn, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { env } from 'node:process'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { KubernetesApi } from './api.ts'
import { lacks } from '../needs.ts'
import { createKubernetesClient, placesOf, podOf, texts } from './test-client.ts'
import { patience } from '../../patience.ts'

const { homelab } = createKubernetesClient('127.0.41.4')
const found = spawnSync('kubectl', ['version', '--client']).status === 0
const missing = lacks(found ? undefined : 'there is no kubectl (Debian: apt-get install kubernetes-client)')

let directory: string
const cleanup = new AsyncDisposableStack()
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'caretaker-kubectl-'))
  cleanup.defer(() => rm(directory, { recursive: true }))
})
afterAll(() => cleanup.disposeAsync())
const watching = new Set<() => void>()
afterEach(() => watching.forEach((stop) => stop()))

/** kubectl as a person has it, without a cache of what other clusters serve. */
function optionsOf(file: string) {
  return { env: { PATH: env['PATH'] ?? '', HOME: directory, KUBECONFIG: file } }
}

async function open(api: KubernetesApi) {
  const file = join(directory, `kubeconfig-${performance.now()}`)
  await writeFile(file, await api.kubeconfig({ user: 'me' }), { mode: 0o600 })
  /** What it prints, each line with single spaces. */
  async function kubectl(words: string): Promise<string[]> {
    const { stdout } = await promisify(execFile)('kubectl', words.split(' '), optionsOf(file))
    return stdout.split('\n').filter(Boolean).map(squeeze)
  }
  function follow(words: string): string[] {
    const lines: string[] = []
    const child = spawn('kubectl', words.split(' '), { ...optionsOf(file), stdio: ['ignore', 'pipe', 'ignore'] })
    let rest = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\n')
      rest = parts.pop() ?? ''
      lines.push(...parts.map(squeeze))
    })
    watching.add(() => child.kill())
    return lines
  }
  return { kubectl, follow }
}

const squeeze = (line: string) => line.trim().replaceAll(/ {2,}/g, ' | ')
const ageless = (line: string) => line.replaceAll(/\b\d+[smh]\b/g, 'AGE')

describe.skipIf(missing)('kubectl, as it is delivered, with the API of the lab', () => {
  it('shows the nodes, the pods and where they are, the leases and the budgets', async () => {
    const api = await homelab()
    api.addDeployment({ name: 'web', replicas: 2, labels: { app: 'web' } })
    api.addPodDisruptionBudget({ name: 'web', matchLabels: { app: 'web' }, minAvailable: 2 })
    const { kubectl } = await open(api)
    expect((await kubectl('get nodes')).map(ageless)).toEqual([
      'NAME | STATUS | ROLES | AGE | VERSION',
      'cp-1 | Ready | control-plane | AGE | v1.36.3',
      'w-1 | Ready | <none> | AGE | v1.36.3',
      'w-2 | Ready | <none> | AGE | v1.36.3',
    ])
    const pods = (await kubectl('get pods -A -o wide')).map(ageless)
    expect(pods[0]).toMatch(/^NAMESPACE \| NAME \| READY \| STATUS \| RESTARTS \| AGE \| IP \| NODE/)
    expect(pods[1]).toMatch(/^default \| web-1 \| 1\/1 \| Running \| 0 \| AGE \| <none> \| w-1 \|/)
    expect((await kubectl('get leases -A')).map(ageless)).toContain('kube-node-lease | w-1 | w-1 | AGE')
    const [head, web] = (await kubectl('get pdb -A')).map(ageless)
    expect(head).toBe('NAMESPACE | NAME | MIN AVAILABLE | MAX UNAVAILABLE | ALLOWED DISRUPTIONS | AGE')
    expect(web).toBe('default | web | 2 | N/A | 0 | AGE')
    expect(await kubectl('get pod web-1 -o jsonpath={.spec.nodeName}')).toEqual(['w-1'])
  })

  it('cordons, drains and uncordons a node', async () => {
    const api = await homelab()
    api.addDeployment({ name: 'web', replicas: 2, labels: { app: 'web' }, emptyDir: true })
    api.addPod({ name: 'alone', node: 'w-1' })
    api.addPod({ name: 'agent-1', node: 'w-1', owner: { kind: 'DaemonSet', name: 'agent' } })
    const { kubectl } = await open(api)
    expect(await kubectl('cordon w-1')).toEqual(['node/w-1 cordoned'])
    expect((await kubectl('get node w-1'))[1]).toContain('w-1 | Ready,SchedulingDisabled')
    const said = await kubectl('drain w-1 --ignore-daemonsets --delete-emptydir-data --force --timeout=10s')
    expect(said).toContain('pod/web-1 evicted')
    expect(said.at(-1)).toMatch(/^node\/w-1 (drained|evicted)$/)
    expect(podOf(api, 'alone')).toBeUndefined()
    expect(podOf(api, 'agent-1')).toBeDefined()
    expect(placesOf(api, 'web').every((place) => place.includes('w-2'))).toBe(true)
    expect(await kubectl('uncordon w-1')).toEqual(['node/w-1 uncordoned'])
    expect(texts(api).toSorted()).toEqual(['cordon w-1', 'evict default/alone', 'evict default/web-1', 'uncordon w-1'])
  })

  it('watches pods go and come', async () => {
    const api = await homelab()
    api.addDeployment({ name: 'web', replicas: 1, labels: { app: 'web' } })
    const { kubectl, follow } = await open(api)
    const lines = follow('get pods -w')
    await vi.waitFor(() => expect(lines).toHaveLength(2), patience)
    await kubectl('delete pod web-1 --wait=false')
    await vi.waitFor(() => expect(lines.at(-1)).toMatch(/^web-2 \| 1\/1 \| Running/), patience)
    expect(lines[0]).toBe('NAME | READY | STATUS | RESTARTS | AGE')
    expect(lines[1]).toMatch(/^web-1 \| 1\/1 \| Running/)
    expect(lines.some((line) => /^web-1 \| .* \| Terminating/.test(line))).toBe(true)
  })

  it('shows workloads, scales them and suspends a CronJob', async () => {
    const api = await homelab()
    api.addDeployment({ name: 'web', replicas: 2, labels: { app: 'web' } })
    api.addStatefulSet({ name: 'db', replicas: 1, labels: { app: 'db' } })
    api.addCronJob({ name: 'backup' })
    const { kubectl } = await open(api)
    const shown = (await kubectl('get deployments,statefulsets,cronjobs')).map(ageless)
    expect(shown).toEqual([
      'NAME | READY | UP-TO-DATE | AVAILABLE | AGE',
      'deployment.apps/web | 2/2 | 2 | 2 | AGE',
      'NAME | READY | AGE',
      'statefulset.apps/db | 1/1 | AGE',
      'NAME | SCHEDULE | TIMEZONE | SUSPEND | ACTIVE | LAST SCHEDULE | AGE',
      'cronjob.batch/backup | 0 3 * * * | <none> | False | 0 | <none> | AGE',
    ])
    expect(await kubectl('scale deployment web --replicas=0')).toEqual(['deployment.apps/web scaled'])
    expect(await kubectl('scale sts/db --current-replicas=1 --replicas=3')).toEqual(['statefulset.apps/db scaled'])
    await vi.waitFor(
      async () => expect((await kubectl('get deploy web'))[1]).toMatch(/^web \| 0\/0 \| 0 \| 0/),
      patience,
    )
    await vi.waitFor(async () => expect((await kubectl('get sts db'))[1]).toMatch(/^db \| 3\/3/), patience)
    await kubectl('patch cronjob backup -p {"spec":{"suspend":true}}')
    expect((await kubectl('get cronjob backup'))[1]).toContain('True')
    expect(texts(api)).toEqual(['scale default/web to 0', 'scale default/db to 3', 'suspend default/backup'])
  })

  it('runs Ceph’s commands in Rook’s toolbox, and hears with what exit code they end', async () => {
    const api = await homelab()
    const ceph = api.addCeph()
    const { kubectl } = await open(api)
    const toolbox = `exec -n rook-ceph ${api.pods()[0]!.metadata.name} --`
    expect((await kubectl(`${toolbox} ceph osd dump --format=json`))[0]).toContain('"flags":"sortbitwise')
    await kubectl('exec -n rook-ceph deploy/rook-ceph-tools -- ceph osd set noout')
    expect([...ceph.flags]).toEqual(['noout'])
    await expect(kubectl(`${toolbox} ceph osd set fun`)).rejects.toThrow(/EINVAL[\s\S]*exit code 22/)
    expect(await kubectl('get cephclusters -n rook-ceph -o jsonpath={.items[0].status.ceph.health}')).toEqual([
      'HEALTH_WARN',
    ])
  })

  it('is told so when its credentials have ended', async () => {
    const api = await homelab()
    const { kubectl } = await open(api)
    api.expireCredentials()
    await expect(kubectl('get nodes')).rejects.toThrow(/Unauthorized|logged in/)
  })
})
