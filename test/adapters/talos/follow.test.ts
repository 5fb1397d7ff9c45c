import { create, type DescMessage, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { AnySchema } from '@bufbuild/protobuf/wkt'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { sentenceOf, withoutFalseEnds } from '../../../src/adapters/talos/follow.ts'
import { Error_Code } from '../../../src/adapters/talos/gen/common_pb.ts'
import {
  ConfigLoadErrorEventSchema,
  ConfigValidationErrorEventSchema,
  MachineStatusEvent_MachineStage as Stage,
  MachineStatusEventSchema,
  PhaseEventSchema,
  RestartEventSchema,
  SequenceEventSchema,
  ServiceStateEvent_Action as ServiceState,
  ServiceStateEventSchema,
  TaskEventSchema,
} from '../../../src/adapters/talos/gen/machine_pb.ts'
import { refusal } from '../refusal.ts'
import { startTalosLab, type TalosLab } from './lab.ts'
import { patience, soon } from '../../patience.ts'

const labs: TalosLab[] = []
afterEach(async () => {
  for (const lab of labs.splice(0)) await lab[Symbol.asyncDispose]()
})

async function boot(address: string) {
  const lab = await startTalosLab({ name: 'w-1', address })
  labs.push(lab)
  return { ...lab, node: lab.nodes[0]! }
}

describe('who follows a node', () => {
  test('hears where it is and then what it does, until it goes down', async () => {
    const { talos } = await boot('127.0.45.41')
    const heard: string[] = []
    for await (const sentence of talos.follow('w-1', soon())) {
      if (heard.push(sentence) === 1) await talos.reboot('w-1', 'default', soon())
    }
    expect(heard.slice(0, 4)).toEqual([
      'stage running, ready',
      'sequence reboot started',
      'stage rebooting',
      'phase cleanup',
    ])
    expect(heard).toEqual(expect.arrayContaining(['phase stopServices', 'service kubelet finished']))
    expect(heard.at(-1)).toBe('task stopAllServices')
  })

  test('hears that a reboot that was answered with OK was not started', async () => {
    const { talos, node } = await boot('127.0.45.42')
    node.faults.locked = true
    const heard: string[] = []
    for await (const sentence of talos.follow('w-1', soon())) {
      if (heard.push(sentence) === 2) break
      await talos.reboot('w-1', 'default', soon())
    }
    expect(heard).toEqual(['stage running, ready', 'sequence reboot was not started: locked'])
    expect(node.stage).toBe('running')
  })

  test('hears of a boot that a reboot takes over that it was interrupted, and not that it ended', async () => {
    const { talos, node } = await boot('127.0.45.44')
    node.faults.stuckBooting = true
    const { bootId } = node
    await talos.reboot('w-1', 'default', soon())
    await vi.waitFor(() => expect([node.stage, node.bootId === bootId]).toEqual(['booting', false]), patience)
    const heard: string[] = []
    for await (const sentence of talos.follow('w-1', soon())) {
      if (heard.push(sentence) === 1) await talos.reboot('w-1', 'default', soon())
    }
    expect(heard).toContainEqual(expect.stringMatching(/^sequence boot was interrupted: /))
    expect(heard).not.toContain('sequence boot ended')
  })

  test('may stop at any time, and is stopped by the signal where the node has fallen silent', async () => {
    const { talos, node } = await boot('127.0.45.43')
    const off = new AbortController()
    for await (const sentence of talos.follow('w-1', off.signal)) {
      expect(sentence).toBe('stage running, ready')
      node.faults.silent = true
      setImmediate(() => off.abort())
    }
    expect(off.signal.aborted).toBe(true)
    expect(await refusal(Array.fromAsync(talos.follow('w-1', soon(50))))).toMatchObject({ code: 'unreachable' })
  })
})

describe('the end of a sequence', () => {
  const event = (init: MessageInitShape<typeof SequenceEventSchema>) => ({
    data: create(AnySchema, {
      typeUrl: 'talos/runtime/machine.SequenceEvent',
      value: toBinary(SequenceEventSchema, create(SequenceEventSchema, init)),
    }),
  })
  const ended = (sequence: string) => event({ sequence, action: 2 })
  const failed = (sequence: string, code: Error_Code) =>
    event({ sequence, error: { code, message: 'sequence failed: x' } })
  const started = (sequence: string) => event({ sequence, action: 1 })
  async function* of(...events: ReturnType<typeof event>[]) {
    yield* events
  }
  const heard = async (...events: ReturnType<typeof event>[]) =>
    (await Array.fromAsync(withoutFalseEnds(of(...events)))).map(sentenceOf)

  test('that was interrupted or failed is told once', async () => {
    expect(await heard(ended('boot'), failed('boot', Error_Code.CANCELED), started('reboot'))).toEqual([
      'sequence boot was interrupted: x',
      'sequence reboot started',
    ])
    expect(await heard(ended('boot'), failed('boot', Error_Code.FATAL))).toEqual(['sequence boot failed: x'])
  })

  test('stays where what follows is of another, or nothing follows', async () => {
    expect(await heard(ended('install'), started('boot'), ended('boot'))).toEqual([
      'sequence install ended',
      'sequence boot started',
      'sequence boot ended',
    ])
    expect(await heard(ended('boot'), failed('reboot', Error_Code.LOCKED))).toEqual([
      'sequence boot ended',
      'sequence reboot was not started: x',
    ])
  })

  test('is told without the next event, and before the failure of the stream', async () => {
    async function* endless() {
      yield ended('boot')
      await new Promise(() => {})
    }
    for await (const one of withoutFalseEnds(endless())) {
      expect(sentenceOf(one)).toBe('sequence boot ended')
      break
    }
    async function* broken() {
      yield ended('boot')
      throw new Error('cut')
    }
    const told: (string | undefined)[] = []
    await expect(async () => {
      for await (const one of withoutFalseEnds(broken())) told.push(sentenceOf(one))
    }).rejects.toThrow('cut')
    expect(told).toEqual(['sequence boot ended'])
  })
})

describe('an event in a sentence', () => {
  const say = <D extends DescMessage>(schema: D, init: MessageInitShape<D>) =>
    sentenceOf({
      data: create(AnySchema, {
        typeUrl: `talos/runtime/${schema.typeName}`,
        value: toBinary(schema, create(schema, init)),
      }),
    })
  const failed = (code: Error_Code, message: string) =>
    say(SequenceEventSchema, { sequence: 'reboot', error: { code, message } })

  test.each([
    [say(SequenceEventSchema, { sequence: 'boot', action: 1 }), 'sequence boot started'],
    [say(SequenceEventSchema, { sequence: 'boot', action: 2 }), 'sequence boot ended'],
    [failed(Error_Code.LOCKED, 'sequence not started: locked'), 'sequence reboot was not started: locked'],
    [
      failed(Error_Code.CANCELED, 'sequence failed: context canceled'),
      'sequence reboot was interrupted: context canceled',
    ],
    [failed(Error_Code.FATAL, 'sequence failed: no disk'), 'sequence reboot failed: no disk'],
    [failed(Error_Code.FATAL, 'sequence failed: error running phase: unix.Reboot(1234567)'), 'sequence reboot ended'],
    [say(PhaseEventSchema, { phase: 'drain' }), 'phase drain'],
    [say(PhaseEventSchema, { phase: 'drain', action: 1 }), undefined],
    [say(TaskEventSchema, { task: 'upgrade' }), 'task upgrade'],
    [say(TaskEventSchema, { task: 'upgrade', action: 1 }), undefined],
    [
      say(ServiceStateEventSchema, { service: 'etcd', action: ServiceState.RUNNING, message: 'ok' }),
      'service etcd is running',
    ],
    [
      say(ServiceStateEventSchema, { service: 'etcd', action: ServiceState.FAILED, message: 'exit 1' }),
      'service etcd failed: exit 1',
    ],
    [say(ServiceStateEventSchema, { service: 'etcd', action: ServiceState.PREPARING }), undefined],
    [say(MachineStatusEventSchema, { stage: Stage.SHUTTING_DOWN, status: { ready: true } }), 'stage shutting down'],
    [say(MachineStatusEventSchema, { stage: Stage.RUNNING, status: { ready: true } }), 'stage running, ready'],
    [
      say(MachineStatusEventSchema, {
        stage: Stage.BOOTING,
        status: { unmetConditions: [{ name: 'services', reason: 'etcd not running' }] },
      }),
      'stage booting, waiting for services: etcd not running',
    ],
    [say(RestartEventSchema, { cmd: 1163412803n }), 'it reboots by kexec'],
    [say(RestartEventSchema, { cmd: 1126301404n }), 'it powers off'],
    [say(RestartEventSchema, { cmd: 1n }), 'it reboots'],
    [say(ConfigLoadErrorEventSchema, { error: 'x' }), 'its machine configuration could not be loaded: x'],
    [say(ConfigValidationErrorEventSchema, { error: 'y' }), 'its machine configuration is not valid: y'],
    [sentenceOf({ data: create(AnySchema) }), undefined],
    [sentenceOf({ data: create(AnySchema, { typeUrl: 'talos/runtime/machine.AddressEvent' }) }), undefined],
  ])('%s', (sentence, words) => {
    expect(sentence).toBe(words)
  })
})
