import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { faultsOf } from '../../core/home-assistant/rules.ts'
import { fakeHomelab } from '../../fakes/homelab.ts'
import { createAuthority } from '../../lab/authority.ts'
import { listenAt, startMosquitto, whyNoMosquitto } from '../../lab/mosquitto.ts'
import { lacks } from '../../lab/needs.ts'
import { brokerLab } from './broker-lab.ts'
import { presence } from './presence.ts'

/** Against Eclipse Mosquitto from Debian; who listens there speaks both versions of MQTT. */

const address = '127.0.75.40'
const lab = brokerLab(address)
const { listen, wire } = lab

/** The protocol level of a CONNECT (MQTT 3.1.1 and 5, 3.1.2.2). */
const levelOf = (connect: Buffer) => connect[connect.indexOf('MQTT') + 4]

describe.skipIf(lacks(whyNoMosquitto()))('at a broker', () => {
  beforeAll(lab.start)
  afterAll(lab.stop)
  const { url } = lab

  test.each([
    { version: 5, as: 'MQTT 5' },
    { version: 4, as: 'MQTT 3.1.1' },
  ] as const)('a homelab is announced, shown and there: $as', async ({ version, as }) => {
    const old = await wire((socket, first) => {
      if (levelOf(first) === version || version === 5) return true
      // "Unacceptable protocol version", in the words of 3.1.1.
      socket.end(Buffer.from([0x20, 0x02, 0x00, 0x01]))
      return false
    })
    const it = await presence({ settings: { url: old.url } })
    const home = await listen(version)
    await expect.poll(() => home.heard.get(it.at('availability'))?.payload).toBe('online')
    expect(faultsOf(home.heard.get(it.config)!.payload)).toEqual([])
    expect(JSON.parse(home.heard.get(it.at('node/w-1'))!.payload)).toMatchObject({ well: 'ON' })
    await expect.poll(it.status).toMatch(new RegExp(`entities, ${as.replaceAll('.', '\\.')}$`))

    await it.it.reads({ status: ['OB'], charge: 83, runtime: 900_000 })
    const ups = () => JSON.parse(home.heard.get(it.at('ups/ups'))?.payload ?? '{}') as unknown
    await expect.poll(ups).toMatchObject({ state: 'on-battery', mains: 'OFF', charge: 83, runtime: 900 })
  })

  test('a broker that hangs up on MQTT 5 is asked by MQTT 3.1.1', async () => {
    const old = await wire((socket, first) => {
      if (levelOf(first) === 4) return true
      socket.destroy()
      return false
    })
    const it = await presence({ settings: { url: old.url } })
    await expect.poll(it.status).toMatch(/MQTT 3\.1\.1$/)
  })

  test('who has only just come finds all of it, and where we end in good order that we are gone', async () => {
    const it = await presence({ settings: { url: url() } })
    await expect.poll(it.status).toContain('entities')
    const late = await listen()
    for (const topic of [it.config, it.at('cluster'), it.at('talos'), it.at('availability')])
      await expect.poll(() => late.heard.get(topic)?.isRetained).toBe(true)
    await it.stop()
    await expect.poll(() => late.heard.get(it.at('availability'))?.payload).toBe('offline')
  })

  test('when we are gone without a word the broker says so, and we come back', async () => {
    const cable = await wire()
    const it = await presence({ settings: { url: cable.url } })
    const home = await listen()
    await expect.poll(() => home.all(it.at('availability'))).toEqual(['online'])
    cable.cut()
    await expect.poll(() => home.all(it.at('availability'))).toEqual(['online', 'offline', 'online'])
    expect(it.it.agent.alerts.all).toEqual([])
  })

  test('Home Assistant that has started is told everything again; one that stops is told nothing', async () => {
    const it = await presence({ settings: { url: url() } })
    const home = await listen()
    await expect.poll(() => home.heard.get(it.at('availability'))?.payload).toBe('online')
    await expect.poll(it.status).toContain('entities')
    home.forget()
    await home.publish('homeassistant/status', 'offline')
    await home.publish('homeassistant/status', 'online')
    await expect.poll(() => home.heard.has(it.at('cluster')) && home.heard.has(it.at('node/w-1'))).toBe(true)
    expect(home.all(it.config)).toHaveLength(1)
    expect(home.heard.get(it.at('availability'))?.payload).toBe('online')
  })

  test('what is no more is removed, also where it went while we were away', async () => {
    const two = await presence({ settings: { url: url(), topicPrefix: 'gone' } })
    await expect.poll(two.status).toContain('entities')
    await two.stop()
    const home = await listen()
    await expect.poll(() => home.heard.get('gone/node/w-1')?.isRetained).toBe(true)
    home.forget()
    const one = await presence({
      settings: { url: url(), topicPrefix: 'gone' },
      homelab: fakeHomelab({ 'cp-1': 'controlplane' }),
    })
    await expect.poll(one.status).toContain('entities')
    await expect.poll(() => home.all(one.config)).toHaveLength(2)
    const [first, last] = home.all(one.config).map((text) => (JSON.parse(text) as Announcement).components)
    expect(first!['node_w-1_well']).toEqual({ platform: 'binary_sensor' })
    expect(first!['node_cp-1_well']).toMatchObject({ platform: 'binary_sensor', unique_id: 'gone_node_cp-1_well' })
    expect(last).not.toHaveProperty('node_w-1_well')
    expect(home.all('gone/node/w-1')).toEqual([''])
    const late = await listen()
    await expect.poll(() => late.heard.get('gone/cluster')?.isRetained).toBe(true)
    expect(late.heard.has('gone/node/w-1')).toBe(false)
  })

  test('a wrong password is an alert at once, and the right one, read anew, ends it', async () => {
    let password = 'wrong'
    const it = await presence({
      settings: {
        url: `mqtt://${address}:${lab.mosquitto.guarded}`,
        user: lab.mosquitto.user,
        password: { file: 'password' },
      },
      file: () => password,
    })
    const open = () => it.it.agent.alerts.find('home-assistant.failing')?.text
    await expect.poll(open).toMatch(/^Home Assistant gets no updates: mqtt:.*not authori[sz]ed/i)
    expect(open()).not.toContain('wrong')
    password = lab.mosquitto.password
    await expect.poll(it.status).toContain('entities')
    expect(open()).toBeUndefined()
  })

  test('TLS is spoken with a broker of one’s own authority, and with no other', async () => {
    let ca = (await createAuthority('another')).ca
    const settings = { url: `mqtts://${address}:${lab.mosquitto.secure}`, ca: 'ca.pem' }
    const it = await presence({ settings, file: () => ca })
    await expect.poll(() => it.it.agent.alerts.find('home-assistant.failing')?.text).toMatch(/certificate/)
    ca = lab.mosquitto.ca
    await expect.poll(it.status).toContain('entities')
  })

  test('a broker that takes the connection and says nothing is left, and people hear of it when it lasts', async () => {
    let isMute = true
    const mute = await wire(() => !isMute)
    const it = await presence({ settings: { url: mute.url }, limits: { connectWithin: 200, failsFor: 500 } })
    await expect.poll(it.status).toContain('connack timeout')
    await expect.poll(() => it.it.agent.alerts.find('home-assistant.failing')?.severity).toBe('warning')
    isMute = false
    await expect.poll(it.status).toContain('entities')
    await expect.poll(() => it.it.agent.alerts.all).toEqual([])
  })

  test('a broker that hangs is noticed, and one that died and comes back is told everything again', async () => {
    const own = await startMosquitto('127.0.75.41')
    onTestFinished(() => own[Symbol.asyncDispose]())
    const it = await presence({
      settings: { url: `mqtt://${own.address}:${own.port}` },
      limits: { keepAlive: 1_000, connectWithin: 500 },
    })
    await expect.poll(it.status).toContain('entities')
    own.hang()
    await expect.poll(it.status).not.toContain('entities')
    own.goOn()
    await expect.poll(it.status).toContain('entities')
    await own.kill()
    await expect.poll(it.status).not.toContain('entities')
    await own.start()
    await expect.poll(it.status).toContain('entities')
    const home = await listenAt(own)
    onTestFinished(() => home[Symbol.asyncDispose]())
    await expect.poll(() => home.heard.get(it.at('cluster'))?.isRetained).toBe(true)
    expect(home.heard.get(it.at('availability'))?.payload).toBe('online')
  })

  test('it ends at once, whatever it is at', async () => {
    const mute = await wire(() => false)
    const it = await presence({ settings: { url: mute.url } })
    const began = performance.now()
    await it.stop()
    expect(performance.now() - began).toBeLessThan(5_000)
  })
})

interface Announcement {
  readonly components: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}
