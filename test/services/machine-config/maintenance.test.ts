import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from 'node:net'
import { once } from 'node:events'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createMaintenanceApi } from '../../../src/adapters/talos/maintenance.ts'
import { AgentError } from '../../../src/core/errors.ts'
import { introductionText } from '../../../src/core/provision/introduction.ts'
import type { MaintenanceApi } from '../../../src/core/provision/ports.ts'
import type { MaintenanceLook } from '../../../src/core/provision/seen.ts'
import { createConsoles } from '../../../src/operations/provision/consoles.ts'
import { receiveLogs } from '../../../src/services/machine-config/maintenance/log-receiver.ts'
import { watchMaintenance } from '../../../src/services/machine-config/maintenance/watch.ts'
import { silentLog } from '../../fakes/log.ts'
import { asks, mac, uuid } from '../../fakes/machines.ts'
import { createAuthority } from '../../lab/authority.ts'
import { createLabMachine } from '../../lab/machine/machine.ts'
import { ok, startRawServer } from '../../lab/machine/wire.ts'
import { openDesk, worker } from '../../operations/provision/at-desk.ts'
import { patience, soon } from '../../patience.ts'

const stack: AsyncDisposableStack[] = []
afterEach(async () => {
  for (const one of stack.splice(0)) await one.disposeAsync()
})

const own: MaintenanceLook = {
  fingerprint: 'KEY-1',
  version: 'v1.13.9',
  uuid,
  serial: 'SN-1',
  stage: 'maintenance',
  hostname: undefined,
  maker: undefined,
  product: undefined,
  macs: [mac],
  disks: [],
}

/** A desk where a machine waits in maintenance, which answers as the test says. */
function inMaintenance() {
  const at = openDesk()
  at.world.way = 'maintenance'
  const given: string[] = []
  const world = { look: own as MaintenanceLook | undefined, refuses: undefined as AgentError | undefined, looks: 0 }
  const api: MaintenanceApi = {
    look: async () => {
      world.looks++
      if (!world.look) throw new AgentError('unreachable', 'nobody answers')
      return world.look
    },
    apply: async (_, meant, take) => {
      if (meant.fingerprint !== world.look?.fingerprint) throw new AgentError('rejected', 'another key answers')
      const text = await take()
      if (world.refuses) throw world.refuses
      given.push(text)
    },
  }
  const stop = new AbortController()
  const whole = new AsyncDisposableStack()
  stack.push(whole)
  const start = () => {
    const over = watchMaintenance({
      desk: at.desk,
      api,
      store: at.journal,
      seen: () => {},
      log: silentLog,
      now: at.now,
      signal: stop.signal,
      every: 5,
    })
    whole.defer(async () => {
      stop.abort()
      await over
    })
  }
  const looked = async () => {
    const before = world.looks
    await vi.waitFor(() => expect(world.looks).toBeGreaterThan(before + 1), patience)
  }
  const approve = (code: string) => at.desk.approve({ id: uuid, code, order: worker, by: 'admin' })
  const machine = () => at.desk.get(uuid)
  return { at, world, given, start, looked, approve, machine }
}

describe('a machine that waits in maintenance', () => {
  it('gets its configuration once a person has approved it, and once only', async () => {
    const it = inMaintenance()
    const answer = it.at.desk.ask(asks())
    if (answer.kind !== 'introduce') throw new Error(answer.kind)
    it.start()
    await it.looked()
    expect(it.given).toEqual([])
    it.approve(answer.code)
    await vi.waitFor(() => expect(it.given).toHaveLength(1), patience)
    await vi.waitFor(() => expect(it.machine()?.state).toBe('delivered'), patience)
    await sleep(30)
    expect(it.given).toHaveLength(1)
  })

  it('gets nothing where its key has changed since it was approved, and then by a new approval', async () => {
    const it = inMaintenance()
    const answer = it.at.desk.ask(asks())
    if (answer.kind !== 'introduce') throw new Error(answer.kind)
    it.start()
    await it.looked()
    it.world.look = undefined
    it.at.passes(1_000)
    it.approve(answer.code)
    it.at.passes(1_000)
    it.world.look = { ...own, fingerprint: 'KEY-2' }
    await vi.waitFor(() => expect(it.machine()?.trouble).toMatch(/compare its console with KEY-2/), patience)
    expect(it.given).toEqual([])
    it.at.passes(1_000)
    it.approve(answer.code)
    await vi.waitFor(() => expect(it.given).toHaveLength(1), patience)
  })

  it('gets nothing where another machine answers at its address', async () => {
    const it = inMaintenance()
    const answer = it.at.desk.ask(asks())
    if (answer.kind !== 'introduce') throw new Error(answer.kind)
    it.world.look = { ...own, uuid: '4c4c4544-0051-3310-8052-b4c04f4e4d32' }
    it.start()
    it.approve(answer.code)
    await vi.waitFor(() => expect(it.machine()?.trouble).toMatch(/another machine answers/), patience)
    await it.looked()
    expect(it.given).toEqual([])
  })

  it('that refuses its configuration in too many words is told of without the beginning of a secret', async () => {
    const it = inMaintenance()
    it.at.desk.ask(asks())
    it.start()
    it.world.refuses = new AgentError('rejected', 'it refuses: machine.token canary-7')
    it.at.approves()
    await vi.waitFor(() => expect(it.machine()?.trouble).toMatch(/machine\.token …/), patience)
    expect(JSON.stringify([it.at.texts(), it.at.desk.machines()])).not.toContain('canary')
  })

  it('that refuses its configuration is told of in its words, without what is secret', async () => {
    const it = inMaintenance()
    const answer = it.at.desk.ask(asks())
    if (answer.kind !== 'introduce') throw new Error(answer.kind)
    it.world.refuses = new AgentError('rejected', 'it refuses: machine.token canary-7f3a is too short')
    it.start()
    it.approve(answer.code)
    await vi.waitFor(() => expect(it.machine()?.trouble).toMatch(/machine\.token \(secret\) is too short/), patience)
    expect(JSON.stringify([it.at.texts(), it.at.desk.machines()])).not.toContain('canary')
    // It is still there, and asks again.
    it.at.passes(90_000)
    await vi.waitFor(() => expect(it.machine()?.claimants[0]?.asked).toBeGreaterThan(0), patience)
  })
})

describe('the console of a machine in maintenance', () => {
  it('comes whole, from the machine that is wanted', async () => {
    const own = new AsyncDisposableStack()
    stack.push(own)
    const consoles = createConsoles()
    own.use(
      await receiveLogs({
        address: '127.0.175.1',
        port: 8_425,
        isWanted: (address) => address === '127.0.175.3',
        line: consoles.line,
      }),
    )
    const server = own.use(await startRawServer('127.0.175.2'))
    server.answer(
      ok(introductionText({ code: 'BCDF-GHJK', hostname: undefined, log: '127.0.175.1:8425', events: undefined })),
    )
    const machine = own.use(
      createLabMachine({
        address: '127.0.175.3',
        version: 'v1.14.1',
        schematic: 'f'.repeat(64),
        uuid,
        serial: 'SN-1',
        mac,
        speed: 200,
        authority: await createAuthority('talos'),
        resolveImage: () => undefined,
        join: () => {
          throw new Error('nobody joins here')
        },
        kernel: [`talos.config=${server.url}/config?uuid=\${uuid}`],
      }),
    )
    machine.powerOn()
    await vi.waitFor(() => expect(consoles.of('127.0.175.3').join('\n')).toContain('fingerprint'), patience)
    expect(consoles.of('127.0.175.3')[0]).toBe('[talos] Talos v1.14.1 starting')
    const { hostname } = await createMaintenanceApi().look('127.0.175.3', soon())
    expect(hostname).toBe('pending-bcdf-ghjk')
    const stranger = connect({ host: '127.0.175.1', port: 8_425, localAddress: '127.0.175.4' })
    stranger.on('error', () => {})
    stranger.write('{"msg":"hello"}\n')
    await once(stranger, 'close')
    expect(consoles.of('127.0.175.4')).toEqual([])
  })

  it('is bounded, and has no sequences for terminals', () => {
    const consoles = createConsoles()
    for (let n = 0; n < 600; n++) consoles.line('a', `${n} \u001B[31m${'x'.repeat(1_000)}`)
    expect(consoles.of('a')).toHaveLength(500)
    expect(consoles.of('a')[0]).toMatch(/^100 /)
    expect(consoles.of('a').join('')).not.toContain('\u001B')
    for (let n = 0; n < 40; n++) consoles.line(`b${n}`, 'x')
    expect(consoles.of('a')).toEqual([])
  })
})
