import { afterEach, describe, expect, it } from 'vitest'
import { createAuthority } from '../authority.ts'
import { createLabMachine, type LabMachine, type LabMachineOptions } from './machine.ts'
import { ok, pending, type RawServer, startRawServer } from './wire.ts'

const authority = await createAuthority('talos')
let stack = new AsyncDisposableStack()
afterEach(async () => {
  await stack.disposeAsync()
  stack = new AsyncDisposableStack()
})

const speed = 500

async function machineAt(host: number, given: Partial<LabMachineOptions> = {}): Promise<[RawServer, LabMachine]> {
  const server = stack.use(await startRawServer(`127.0.172.${host}`))
  const machine = stack.use(
    createLabMachine({
      address: `127.0.172.${host + 1}`,
      version: 'v1.14.1',
      schematic: 'f'.repeat(64),
      uuid: '4c4c4544-0051-4a10-8053-b3c04f4e3432',
      serial: 'SN 42/x&y',
      mac: '52:54:00:00:00:01',
      speed,
      random: () => 0,
      authority,
      resolveImage: () => undefined,
      join: () => {
        throw new Error('nobody joins here')
      },
      ...given,
      kernel: (given.kernel ?? []).map((word) => word.replace('URL', server.url)),
    }),
  )
  return [server, machine]
}

async function inMaintenance(machine: LabMachine): Promise<void> {
  await new Promise<void>((resolve) => {
    const look = () => machine.state === 'maintenance' && resolve()
    machine.onChange(look)
    look()
  })
}

const incomplete = 'apiVersion: v1alpha1\nkind: HostnameConfig\nhostname: pending-1\nauto: off\n'

describe('a machine that looks for its configuration', () => {
  it('asks with the bytes of a real node: one variable has the query written anew, sorted and escaped', async () => {
    const [server, machine] = await machineAt(1, {
      kernel: ['talos.config=URL/cfg?u=${uuid}&m=${MAC}&s=${serial}&a=b%20c&flag#part'],
    })
    server.answer(ok(incomplete))
    machine.powerOn()
    await inMaintenance(machine)
    const { host } = new URL(server.url)
    expect(server.requests).toEqual([
      'GET /cfg?a=b+c&flag=&m=52%3A54%3A00%3A00%3A00%3A01&s=SN+42%2Fx%26y&u=4c4c4544-0051-4a10-8053-b3c04f4e3432 HTTP/1.1\r\n' +
        `Host: ${host}\r\nUser-Agent: Go-http-client/1.1\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n`,
    ])
  })

  it('sends a URL without variables as it is written, and its path never has any', async () => {
    const [server, machine] = await machineAt(3, { kernel: ['talos.config=URL/${mac}/c?a=b%20c&flag'] })
    server.answer(ok(incomplete))
    machine.powerOn()
    await inMaintenance(machine)
    expect(server.requests[0]).toMatch(/^GET \/\$%7Bmac%7D\/c\?a=b%20c&flag HTTP/)
  })

  it('waits 90 s for a hostname that nobody gives it, and then sends the variable itself', async () => {
    const [server, machine] = await machineAt(5, { kernel: ['talos.config=URL/?h=${hostname}&m=${mac}'] })
    server.answer(ok(incomplete))
    const beganAt = performance.now()
    machine.powerOn()
    await inMaintenance(machine)
    expect(server.requests[0]).toMatch(/^GET \/\?h=%24%7Bhostname%7D&m=52%3A54/)
    expect(performance.now() - beganAt).toBeGreaterThanOrEqual(90_000 / speed)
  })

  it('tries again after a 503, and its console shows the 32 bytes of each text once', async () => {
    const [server, machine] = await machineAt(7, { kernel: ['talos.config=URL/c'] })
    const [one, two] = [pending('BCDF-GHJK'), ok('x'.repeat(40), '404 Not Found')]
    server.answer(one, one, two, one, ok(incomplete))
    machine.powerOn()
    await inMaintenance(machine)
    expect(server.requests).toHaveLength(5)
    const retries = machine.console.filter((line) => line.includes('retrying error'))
    expect(retries).toEqual([
      `[talos] retrying error: failed to download config from "${server.url}/c": failed to download config, status code 503, body "pending: BCDF-GHJK"`,
      `[talos] retrying error: failed to download config from "${server.url}/c": failed to download config, status code 404, body "${'x'.repeat(32)}"`,
    ])
    expect(machine.console.filter((line) => line.includes('fetching'))).toHaveLength(5)
  })

  it('gives an answer 180 s, and tries again', async () => {
    const [server, machine] = await machineAt(9, { kernel: ['talos.config=URL/c'] })
    server.answer(undefined, ok(incomplete))
    const beganAt = performance.now()
    machine.powerOn()
    await inMaintenance(machine)
    expect(performance.now() - beganAt).toBeGreaterThanOrEqual(180_000 / speed)
    expect(machine.console.join('\n')).toContain('context deadline exceeded')
  })

  it.each([
    ['204', 'HTTP/1.1 204 No Content\r\n\r\n'],
    ['an empty body', ok('')],
    ['comments alone', ok('# later\n')],
    ['a bad configuration', ok('version: v1beta9\n')],
  ])('begins its whole search anew after %s, and never falls into maintenance', async (_, answer) => {
    const [server, machine] = await machineAt(11, { kernel: ['talos.config=URL/c'] })
    server.answer(answer)
    machine.powerOn()
    await server.until(6)
    expect(machine.state).toBe('searching')
    expect(machine.console.join('\n')).toContain('controller failed')
  })

  it('waits in maintenance at once where talos.config is none', async () => {
    const [server, machine] = await machineAt(13, { kernel: ['talos.config=none'] })
    machine.powerOn()
    await inMaintenance(machine)
    expect(server.requests).toEqual([])
  })
})

describe('the device flow of a machine', () => {
  const device = (more: object = {}) =>
    ok(
      JSON.stringify({
        device_code: 'D',
        user_code: 'BCDF-GHJK',
        verification_uri: 'http://here',
        interval: 5,
        ...more,
      }),
    )
  const error = (text: string) => ok(JSON.stringify({ error: text }), '400 Bad Request')
  const kernel = [
    'talos.config=URL/config?u=${uuid}',
    'talos.config.oauth.client_id=cid',
    'talos.config.oauth.client_secret=geheim',
    'talos.config.oauth.extra_variable=mac',
  ]

  it('polls with two POSTs each time, and takes the raw query along', async () => {
    const [server, machine] = await machineAt(15, { kernel })
    const token = ok(JSON.stringify({ access_token: 'TOK', token_type: 'bearer' }))
    const wait = error('authorization_pending')
    server.answer(device(), wait, wait, token, ok(incomplete))
    machine.powerOn()
    await inMaintenance(machine)
    const [code, first, second, third, config] = server.requests
    expect(code).toMatch(/^POST \/device\/code\?u=\$\{uuid\} HTTP\/1\.1\r\n/)
    expect(code).toMatch(/\r\n\r\nclient_id=cid&mac=52%3A54%3A00%3A00%3A00%3A01$/)
    expect(first).toMatch(/^POST \/token\?u=\$\{uuid\} HTTP\/1\.1\r\n/)
    expect(first).toContain(`Authorization: Basic ${btoa('cid:')}`)
    expect(first).toContain('client_secret=geheim')
    expect(second).not.toContain('Authorization')
    expect(third).toContain('Authorization: Basic')
    expect(config).toMatch(/^GET \/config\?u=4c4c4544/)
    expect(config).toContain('Authorization: Bearer TOK\r\n')
    expect(machine.console.join('\n')).toContain('http://here and enter the code BCDF-GHJK')
  })

  it('ends with a refusal, and begins with a new code', async () => {
    const [server, machine] = await machineAt(17, { kernel })
    server.answer(
      device(),
      error('access_denied'),
      error('access_denied'),
      device({ user_code: 'LMNP-QRST' }),
      undefined,
    )
    machine.powerOn()
    await server.until(5)
    expect(machine.console.join('\n')).toContain('LMNP-QRST')
  })

  it('asks for its configuration again after a 401, and for no other token', async () => {
    const [server, machine] = await machineAt(19, { kernel })
    const token = ok(JSON.stringify({ access_token: 'TOK' }))
    server.answer(device(), token, ok('', '401 Unauthorized'), ok(incomplete))
    machine.powerOn()
    await inMaintenance(machine)
    expect(server.requests.map((text) => text.slice(0, text.indexOf('?')))).toEqual([
      'POST /device/code',
      'POST /token',
      'GET /config',
      'GET /config',
    ])
  })
})
