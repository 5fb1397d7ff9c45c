import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createFactory } from '../../../src/adapters/factory/factory.ts'
import { schematicId } from '../../../src/adapters/factory/schematic-id.ts'
import type { Download, Factory } from '../../../src/core/release/ports.ts'
import { createFactory as createLabFactory, type LabFactory } from '../../lab/factory/factory.ts'
import { homelabSchematic, homelabSchematicId } from '../../lab/homelab.ts'
import { order, startFactoryLab, type FactoryLab } from './lab.ts'
import { refusal } from '../refusal.ts'
import { soon } from '../../patience.ts'

const address = '127.0.44.20'

let started: FactoryLab
let lab: LabFactory
let factory: Factory
let signal: AbortSignal
beforeEach(async () => {
  started = await startFactoryLab(address, ['1.13.9', 'v1.12.11', 'v1.14.0-rc.1', 'v1.13.10'])
  lab = started.lab
  factory = started.factory
  signal = soon()
})
afterEach(() => started[Symbol.asyncDispose]())

const bytesOf = ({ body }: Download) => buffer(body)
const host = () => new URL(lab.url).host

test('the catalogue of a release names its extensions and overlays; of one that is not offered there is none', async () => {
  const { version, extensions, overlays } = await factory.catalogue('v1.13.9', signal)
  expect({ version, overlays }).toEqual({
    version: 'v1.13.9',
    overlays: [{ name: 'rpi_generic', image: 'siderolabs/sbc-raspberrypi' }],
  })
  expect(extensions).toContain('siderolabs/i915')
  expect(await refusal(factory.catalogue('v1.9.0', signal))).toMatchObject({ code: 'rejected' })
  lab.faults.failNext.push({ status: 200, body: '[{"ref": "no name"}]' })
  expect(await refusal(factory.catalogue('v1.13.9', signal))).toMatchObject({ code: 'malformed' })
})

describe('the list of releases', () => {
  test('comes oldest first, the pre-release last', async () => {
    expect(await factory.versions(signal)).toEqual(['v1.12.11', 'v1.13.9', 'v1.13.10', 'v1.14.0-rc.1'])
  })

  test('is empty where the Factory says null', async () => {
    lab.faults.versionsNull = true
    expect(await factory.versions(signal)).toEqual([])
  })

  test('leaves out what is no release', async () => {
    lab.faults.failNext.push({ status: 200, body: '["v1.13.9", "latest", 7, "1.13.8", null]' })
    expect(await factory.versions(signal)).toEqual(['v1.13.9'])
  })

  test.each(['{"versions": []}', '"v1.13.9"'])('that is %s is malformed', async (body) => {
    lab.faults.failNext.push({ status: 200, body })
    expect(await refusal(factory.versions(signal))).toMatchObject({
      code: 'malformed',
      message: `${host()}/versions is not a list`,
    })
  })

  test('that a captive portal answers is malformed, with the beginning of its page', async () => {
    lab.faults.failNext.push({ status: 200, body: '<!DOCTYPE html>\n<h1>Please sign in</h1>' })
    const error = await refusal(factory.versions(signal))
    expect(error.code).toBe('malformed')
    expect(error.message).toContain(`${host()}/versions answers something that is not JSON: <!DOCTYPE html>`)
  })

  test('that fails with a 500 is asked for again later, and the message has the id for the Factory’s operators', async () => {
    const server = createServer((_, response) => {
      response.writeHead(500, { 'x-request-id': '7b0f9a52' }).end('internal server error\n')
    })
    await new Promise<void>((resolve) => server.listen(0, address, resolve))
    const at = `${address}:${(server.address() as AddressInfo).port}`
    const error = await refusal(createFactory(`http://${at}`).versions(signal))
    server.close()
    expect(error).toMatchObject({
      code: 'unreachable',
      message: `GET ${at}/versions answers 500: internal server error (request 7b0f9a52)`,
    })
  })

  test('of a Factory that is not there says who refused what', async () => {
    await lab[Symbol.asyncDispose]()
    const error = await refusal(factory.versions(signal))
    expect(error.code).toBe('unreachable')
    expect(error.message).toMatch(
      /^GET http:\/\/127\.0\.44\.20:\d+\/versions: connection refused: is it listening there\?$/,
    )
  })

  test('of a name that does not resolve says to check DNS', async () => {
    const error = await refusal(createFactory('https://factory.invalid').versions(signal))
    expect(error).toMatchObject({ code: 'unreachable' })
    expect(error.message).toBe(
      'GET https://factory.invalid/versions: the name does not resolve: check DNS and the address',
    )
  })
})

const withdrawnOf = async (of: Factory) => of.withdrawn(await of.versions(signal), signal)

describe('what was withdrawn', () => {
  test('is what the Factory marks, and no more', async () => {
    expect(await withdrawnOf(factory)).toEqual([])
    lab.withdraw('v1.13.10')
    expect(await withdrawnOf(factory)).toEqual(['v1.13.10'])
    expect(await factory.versions(signal)).toEqual(['v1.12.11', 'v1.13.9', 'v1.14.0-rc.1'])
    lab.remove('v1.14.0-rc.1')
    expect(await withdrawnOf(factory)).toEqual(['v1.13.10'])
  })

  test('is not known of a Factory that is too old for the question', async () => {
    lab.faults.ignoresBroken = true
    expect(await withdrawnOf(factory)).toBeUndefined()
  })

  test.each<{ name: string; offered: string[]; broken: string[]; expected: string[] | undefined }>([
    {
      name: 'a release came between the two questions',
      offered: ['v1.13.9', 'v1.13.8'],
      broken: ['v1.13.9', 'v1.13.8', 'v1.13.10'],
      expected: undefined,
    },
    {
      name: 'a release went between them',
      offered: ['v1.13.9', 'v1.13.8', 'v1.13.7'],
      broken: ['v1.13.8', 'v1.13.9'],
      expected: undefined,
    },
    { name: 'there is one release alone', offered: ['v1.13.9'], broken: ['v1.13.9'], expected: undefined },
    {
      name: 'another replica still offers it',
      offered: ['v1.13.9', 'v1.14.1'],
      broken: ['v1.14.1'],
      expected: ['v1.14.1'],
    },
    {
      name: 'much was withdrawn',
      offered: ['v1.13.9'],
      broken: ['v1.14.0', 'v1.14.1', 'v1.14.2'],
      expected: ['v1.14.0', 'v1.14.1', 'v1.14.2'],
    },
    { name: 'nothing is offered any more', offered: [], broken: ['v1.14.1'], expected: ['v1.14.1'] },
  ])('is distinguished from what is offered where $name', async ({ offered, broken, expected }) => {
    const server = createServer((request, response) => {
      response.end(JSON.stringify(request.url === '/versions?broken=true' ? broken : offered))
    })
    await new Promise<void>((resolve) => server.listen(0, address, resolve))
    const at = `http://${address}:${(server.address() as AddressInfo).port}`
    const found = await withdrawnOf(createFactory(at))
    server.close()
    expect(found).toEqual(expected)
  })

  test('fails by itself, and says at which address', async () => {
    lab.faults.failNext.push({ status: 404, body: '404 page not found\n', path: '/versions' })
    expect(await refusal(factory.withdrawn([], signal))).toMatchObject({ code: 'rejected' })
  })
})

describe('a Factory behind a path', () => {
  let behind: LabFactory
  beforeEach(async () => {
    behind = createLabFactory({ address: '127.0.44.21', versions: ['v1.13.9'], under: '/mirror/factory' })
    await behind.start()
  })
  afterEach(() => behind[Symbol.asyncDispose]())

  test.each(['', '/', '//'])('is asked there for everything, with "%s" at the end of its address', async (end) => {
    const there = createFactory(behind.url + end)
    expect(await there.versions(signal)).toEqual(['v1.13.9'])
    expect(await withdrawnOf(there)).toEqual([])
    const { id: schematic } = await there.register(homelabSchematic, signal)
    const size = await there.warm({ ...order, schematic }, signal)
    expect(await bytesOf(await there.open({ ...order, schematic }, undefined, signal))).toHaveLength(size!)
    expect(behind.requests.every(({ path }) => path.startsWith('/mirror/factory/'))).toBe(true)
  })

  test('serves its installers by its host alone', () => {
    expect(createFactory(behind.url).registry).toBe(new URL(behind.url).host)
  })

  test.each([
    ['https://factory.talos.dev', 'factory.talos.dev'],
    ['https://factory.talos.dev:443/', 'factory.talos.dev'],
    ['https://factory.talos.dev./', 'factory.talos.dev'],
    ['http://Factory.LAN.:8080/a', 'factory.lan:8080'],
    ['https://fäctory.example', 'xn--fctory-bua.example'],
    ['http://[fd00::1]:8080', '[fd00::1]:8080'],
  ])('at %s serves installers whose names a registry takes: %s', (url, registry) => {
    expect(createFactory(url).registry).toBe(registry)
  })

  test('is asked at its own host, however many slashes its path has', async () => {
    const asked: string[] = []
    const server = createServer((request, response) => {
      asked.push(request.url ?? '')
      response.end('["v1.14.1"]')
    })
    await new Promise<void>((resolve) => server.listen(0, address, resolve))
    const origin = `http://${address}:${(server.address() as AddressInfo).port}`
    expect(await createFactory(`${origin}//mirror//`).versions(signal)).toEqual(['v1.14.1'])
    server.close()
    expect(asked).toEqual(['//mirror/versions'])
  })

  test('is named with the path where it refuses', async () => {
    behind.faults.failNext.push({ status: 500, body: 'internal server error\n' })
    const error = await refusal(createFactory(behind.url).versions(signal))
    expect(error.message).toContain(`GET ${new URL(behind.url).host}/mirror/factory/versions answers 500`)
  })

  test('is not found at the root of its host', async () => {
    expect(await refusal(createFactory(new URL(behind.url).origin).versions(signal))).toMatchObject({
      code: 'rejected',
    })
  })
})

describe('a schematic', () => {
  test('gets the id that it has at the public Factory', async () => {
    expect(await factory.register(homelabSchematic, signal)).toEqual({ id: homelabSchematicId })
    expect(schematicId(homelabSchematic)).toBe(homelabSchematicId)
    expect(lab.schematics.get(homelabSchematicId)).toContain('- siderolabs/nut-client')
  })

  test('is known by the id that the Factory gives, where that is not ours', async () => {
    const id = 'f'.repeat(64)
    lab.faults.failNext.push({ status: 201, body: JSON.stringify({ id }) })
    expect(await factory.register(homelabSchematic, signal)).toEqual({ id })
  })

  test.each(['{}', 'null', '{"id": "../../etc"}', '{"id": 5}'])(
    'that is answered with %s is malformed',
    async (body) => {
      lab.faults.failNext.push({ status: 201, body })
      expect(await refusal(factory.register(homelabSchematic, signal))).toMatchObject({
        code: 'malformed',
        message: `${host()}/schematics answers without an id`,
      })
    },
  )

  test('that the Factory does not like is rejected in the Factory’s words', async () => {
    const schematic = { customization: { bootloader: 'auto' } }
    const error = await refusal(factory.register(schematic, signal))
    expect(error.code).toBe('rejected')
    expect(error.message).toContain(`POST ${host()}/schematics answers 400: yaml: construct errors:`)
    expect(error.message).toContain('auto does not belong to BootloaderKind values')
  })
})
