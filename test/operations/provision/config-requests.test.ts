import { describe, expect, test } from 'vitest'
import { openMemoryJournal } from '../../../src/adapters/journal/journal.ts'
import type { RenderMachine } from '../../../src/core/provision/config-requests.ts'
import { type Machine, machineKind } from '../../../src/core/provision/machine.ts'
import { createConfigRequests } from '../../../src/operations/provision/config-requests.ts'
import { asked } from '../../fakes/person.ts'
import { rendererOf, usualInstall } from './rendered.ts'

const at = '2026-11-27T06:00:00.000Z'
const uuid = '4c4c4544-0042-3510-8052-b4c04f4b4d32'
const [one, other] = ['00:1b:21:3a:4f:04', '00:1b:21:3a:4f:05']

/** Two ask under one UUID. */
const pending: Machine = {
  id: uuid,
  state: 'pending',
  since: at,
  firstAt: at,
  claimants: [other, one].map((mac, index) => ({
    address: `192.168.0.${20 + index}`,
    claim: { uuid, mac },
    way: 'plain',
    code: index === 0 ? 'BCDF-GHJK' : 'LMNP-QRST',
    asked: 3,
    firstAt: at,
    lastAt: at,
  })),
}

function requests() {
  const journal = openMemoryJournal()
  journal.records(machineKind).save(pending)
  const renderer = rendererOf({
    machines: `${usualInstall}patches: [{ file: a.yaml, for: { mac: ${one} } }]\nmachines: [{ name: worker-2, match: { mac: ${other} }, role: worker, labels: { gpu: nvidia } }]`,
    files: { 'a.yaml': 'debug: true', 'b.yaml': 'persist: false' },
  })
  const secrets = {
    store: { read: async () => undefined, write: async () => {} },
    parse: () => {
      throw new Error('not asked')
    },
    isOfCluster: async () => undefined,
  }
  return createConfigRequests({ renderer, secrets }, journal)
}
const render = (request: RenderMachine) => requests().render(request, asked())

describe('what a machine would get can be seen', () => {
  test.each([
    { by: 'the name that is written', request: { machine: 'worker-2' }, name: 'worker-2', patches: [] },
    {
      by: 'its UUID, as the one that asked last',
      request: { machine: uuid.toUpperCase() },
      name: 'worker-2',
      patches: [],
    },
    {
      by: 'the code on its console',
      request: { machine: 'lmnp-qrst', role: 'worker', name: 'w-3' },
      name: 'w-3',
      patches: ['a.yaml'],
    },
    {
      by: 'its address',
      request: { machine: '192.168.0.21', role: 'worker', name: 'w-3', patches: ['b.yaml'] },
      name: 'w-3',
      patches: ['a.yaml', 'b.yaml'],
    },
    {
      by: 'its MAC address, however it is written',
      request: { machine: one.toUpperCase().replaceAll(':', '-'), role: 'worker', name: 'w-3' },
      name: 'w-3',
      patches: ['a.yaml'],
    },
    { by: 'a name that nobody has yet', request: { machine: 'w-9', role: 'controlplane' }, name: 'w-9', patches: [] },
  ] satisfies readonly { by: string; request: RenderMachine; name: string; patches: readonly string[] }[])(
    'by $by',
    async ({ request, name, patches }) => {
      const made = await render(request)
      expect({ name: made.name, patches: made.patches }).toEqual({ name, patches })
      expect(made.masked.join('\n')).toContain(`hostname: ${name}`)
      expect(made.masked.join('\n')).not.toContain('canary')
      expect(made.diff.length > 0).toBe(patches.length > 0)
    },
  )

  test.each([
    { request: { machine: '00:1b', role: 'worker' }, why: `00:1b is where ${other} begins: name it whole` },
    { request: { machine: '4c4c4544', role: 'worker' }, why: `4c4c4544 is where ${uuid} begins: name it whole` },
    {
      request: { machine: '02:aa', role: 'worker' },
      why: 'no machine is called 02:aa, and 02:aa is not a name for a node: lower-case letters',
    },
    { request: { machine: 'w-9', role: 'worker', name: 'W_9' }, why: /^W_9 is not a name for a node/ },
    { request: { machine: 'nobody' }, why: 'no machine is called nobody' },
    { request: { machine: 'LMNP-QRST' }, why: 'say what LMNP-QRST is to be called: --name NAME' },
    {
      request: { machine: 'LMNP-QRST', name: 'w-3' },
      why: 'say what LMNP-QRST is to become: --role worker or controlplane',
    },
  ] satisfies readonly { request: RenderMachine; why: string | RegExp }[])(
    'and what is missing is said: $why',
    async ({ request, why }) => {
      await expect(render(request)).rejects.toThrow(why)
    },
  )
})

test('without a daemon nothing is made', async () => {
  await expect(createConfigRequests(undefined, openMemoryJournal()).render({ machine: 'w' }, asked())).rejects.toThrow(
    'only a daemon makes machine configurations',
  )
})
