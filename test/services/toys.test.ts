import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { configSchema } from '../../src/config/config.ts'
import { loadServices } from '../../src/engine/catalogue.ts'
import { createQueueDoor } from '../../src/engine/queue-door.ts'
import { createLiveSettings } from '../../src/main/live-settings.ts'
import { sectionsOf } from '../../src/main/registry.ts'
import { createServices, faultsOfServices } from '../../src/main/services.ts'
import { loadSettings } from '../../src/main/settings.ts'
import type { AnyService } from '../../src/operations/service.ts'
import { deskOf, operatorOf } from '../fakes/person.ts'
import { createNotifierDoor } from '../../src/operations/notification-requests.ts'
import { startAgent } from '../fakes/agent.ts'
import { fakeHomelab } from '../fakes/homelab.ts'
import { createMeter } from '../../src/core/metrics/meter.ts'
import { silentLog } from '../fakes/log.ts'
import { temporaryFolder } from '../lab/process.ts'

const folder = new URL('./toys/', import.meta.url)
const smallest = 'schematic: homelab\nshare: { directory: share }\nstate: state\n'

/** A daemon's services, of which there is one: a folder beside this test. */
async function lab(extra = '') {
  const directory = await temporaryFolder()
  const file = join(directory.path, 'caretaker.yaml')
  await writeFile(file, `${smallest}${extra}`)
  const settings = await loadSettings(file, {}, loadServices<AnyService>(folder))
  const homelab = fakeHomelab({ 'cp-1': 'controlplane' })
  const it = startAgent(homelab)
  const { alerts } = it.agent
  const { journal } = homelab.ports
  const live = createLiveSettings({ settings, journal, alerts, log: silentLog })
  const services = createServices({
    settings: live,
    ports: homelab.ports,
    agent: it.agent,
    queue: createQueueDoor(() => {}),
    schematics: { current: new Map() },
    alerts,
    operator: operatorOf(homelab, it),
    desk: deskOf(homelab, it),
    machines: { line: () => {}, seen: () => {}, joined: () => {} },
    notifier: createNotifierDoor(),
    key: async () => new Uint8Array(32),
    log: silentLog,
    meter: createMeter(),
    limits: { firstWait: 50, longestWait: 50 },
  })
  onTestFinished(async () => {
    await services.stop()
    await directory[Symbol.asyncDispose]()
  })
  await services.start()
  const heartbeat = () => services.status[0]!
  const said = () => journal.entries(50).map(({ text }) => text)
  return { file, settings, live, services, agent: it.agent, alerts, heartbeat, said }
}

describe('a service that is one folder and nothing else', () => {
  test('has its section in the configuration, with what holds without one, and faults with their place', async () => {
    expect((await lab()).heartbeat().text).toBe('0 beats')
    expect((await lab('heartbeat: { word: thump }\n')).heartbeat().text).toBe('0 thumps')
    const line = 'heartbeat: { word: 7, speed: 2 }\n'
    await expect(lab(line)).rejects.toMatchObject({
      code: 'misconfigured',
      message: expect.stringMatching(
        /caretaker\.yaml:4:20: heartbeat\.word: .*\n.*caretaker\.yaml:4:23: heartbeat\.speed: is not a setting$/,
      ),
    })
    const sections = sectionsOf(await loadServices<AnyService>(folder))
    expect(configSchema(sections)).toMatchObject({ properties: { heartbeat: { properties: { word: {} } } } })
  })

  test('checks what it can before it starts', async () => {
    const { settings } = await lab('heartbeat: { word: never }\n')
    expect(await faultsOfServices(settings)).toEqual([{ setting: 'heartbeat.word', why: 'a heart that never beats' }])
  })

  test('hears of events and alerts in the process, and a failing listener of it costs nobody anything', async () => {
    const it = await lab()
    await it.agent.emit({ type: 'node.lost', node: 'cp-1' })
    await it.agent.emit({ type: 'rollout.stuck', node: 'cp-1', reason: 'no' })
    it.alerts.open('cluster.lease', { severity: 'warning', subject: 'cluster', text: 'taken' })
    expect(it.heartbeat().text).toBe('2 beats, 1 alerts')
    expect(it.said()).toContain('the rollout is stuck: no')
  })

  test('that dies is an alert, is started again after a while, and hears nothing twice', async () => {
    const it = await lab()
    const told: string[] = []
    it.alerts.subscribe(({ id, text }, change) => told.push(`${change} ${id}: ${text}`))
    await it.agent.emit({ type: 'cluster.stopped' })
    const alert = 'service.down:heartbeat: the service heartbeat is down: it has no cluster to beat for'
    await expect.poll(() => told).toEqual([`opened ${alert}`, `settled ${alert}`])
    expect(it.heartbeat().state).toBe('running')
    await it.agent.emit({ type: 'node.lost', node: 'cp-1' })
    // Its own alert was settled after it had started again.
    expect(it.heartbeat().text).toBe('1 beat, 1 alerts')
    expect(it.said().filter((text) => text === 'heard node.lost')).toHaveLength(1)
  })

  test('is started again when its section is edited, and no other setting takes a restart', async () => {
    const it = await lab()
    await it.agent.emit({ type: 'node.lost', node: 'cp-1' })
    await writeFile(it.file, `${smallest}heartbeat: { word: thump }\n`)
    await it.live.reread()
    await expect.poll(() => it.heartbeat().text).toBe('0 thumps')
    expect(it.live.pending).toBeUndefined()
    expect(it.said()).toContain('stopped after 1')
  })

  test('ends with the others, and hears nothing after that', async () => {
    const it = await lab()
    await it.services.stop()
    await it.agent.emit({ type: 'node.lost', node: 'cp-1' })
    expect(it.heartbeat().state).toBe('stopped')
    expect(it.said().filter((text) => /^(stopped|heard)/.test(text))).toEqual(['stopped after 0'])
  })
})

test('a folder without a service, or with one of another name, is refused by its name', async () => {
  await using directory = await temporaryFolder()
  await using other = await temporaryFolder()
  await mkdir(join(directory.path, 'empty'))
  await mkdir(join(other.path, 'one'))
  await writeFile(join(other.path, 'package.json'), '{"type":"module"}')
  await writeFile(join(other.path, 'one', 'service.js'), "export default { name: 'another' }")
  await expect(loadServices(pathToFileURL(`${directory.path}/`))).rejects.toMatchObject({
    code: 'misconfigured',
    message: "services/empty/service.ts must export default a service named 'empty'",
  })
  await expect(loadServices(pathToFileURL(`${other.path}/`))).rejects.toMatchObject({
    message: "services/one/service.ts must export default a service named 'one'",
  })
})

test('every folder is a service that loads: the power guard starts first, and the queue last', async () => {
  const folder = new URL('../../src/services/', import.meta.url)
  const services = await loadServices<AnyService>(folder)
  expect(services.map(({ name }) => name)).toEqual((await readdir(folder)).toSorted())
  expect(services.filter(({ starts }) => starts !== undefined).map(({ name, starts }) => [name, starts])).toEqual([
    ['queue', 'last'],
    ['ups-watch', 'first'],
  ])
  const withSection = services.filter(({ config }) => config !== undefined).map(({ name }) => name)
  const sections = Object.keys(sectionsOf(services))
  expect(sections).toHaveLength(withSection.length)
  expect(sections).toEqual(expect.arrayContaining(['bootFiles', 'queue']))
})
