import type { MachineAnswer, MachineDetails } from '../../src/core/provision/requests.ts'
import type { startDaemon } from '../http/daemon.ts'
import { ago } from './answers-time.ts'

/** Machines on their way into the cluster: one that waits, one that has joined and asks again, one that was seen booting. */

const waiting: MachineAnswer = {
  id: '4c4c4544-0051-3310-8052-b4c04f4e4d31',
  name: 'worker-nuc-attic',
  state: 'pending',
  since: ago(6),
  role: undefined,
  mac: '52:54:00:12:34:56',
  maker: 'QEMU',
  serial: 'SN-42',
  uuid: '4c4c4544-0051-3310-8052-b4c04f4e4d31',
  address: '192.168.0.21',
  way: 'plain',
  code: 'BCDF-GHJK',
  lastAt: ago(1),
  said: 'It asks for its configuration, and a person has to decide',
  next: 'Compare BCDF-GHJK with its console, then `caretaker machine approve BCDF-GHJK`',
}

const details: MachineDetails = {
  ...waiting,
  claimants: [
    {
      address: '192.168.0.21',
      code: 'BCDF-GHJK',
      asked: 4,
      firstAt: ago(6),
      lastAt: ago(1),
      mac: '52:54:00:12:34:56',
      serial: 'SN-42',
      hostname: undefined,
    },
    {
      address: '192.168.0.99',
      code: 'LMNP-QRST',
      asked: 1,
      firstAt: ago(120),
      lastAt: ago(119),
      mac: undefined,
      serial: undefined,
      hostname: 'laptop',
    },
  ],
  evidence: [
    { kind: 'for', text: 'it loaded metal-amd64-uki.efi from Caretaker over TFTP at this address 7 min ago' },
    {
      kind: 'odd',
      text: 'the card at 192.168.0.21 is 00:1b:21:3a:4f:02, and it says 52:54:00:12:34:56: another card of its, or another machine',
    },
  ],
  approval: undefined,
  delivery: undefined,
  order: undefined,
  patchFiles: ['gpu.yaml', 'nut-client.yaml'],
}

const joined: MachineAnswer = {
  id: '00:1b:21:3a:4f:02',
  name: 'worker-2',
  state: 'locked',
  since: ago(2_000),
  role: 'worker',
  mac: '00:1b:21:3a:4f:02',
  maker: undefined,
  serial: undefined,
  uuid: undefined,
  address: '192.168.0.22',
  way: 'device-flow',
  code: 'VWXZ-BCDF',
  lastAt: ago(2_100),
  said: 'It has joined the cluster',
  next: undefined,
}

const seen: MachineAnswer = {
  ...joined,
  id: '52:54:00:aa:bb:cc',
  name: undefined,
  state: 'seen',
  role: undefined,
  mac: '52:54:00:aa:bb:cc',
  address: '192.168.0.77',
  way: undefined,
  code: undefined,
  lastAt: ago(3),
  said: 'It has loaded metal-amd64-uki.efi, and has not asked for a configuration',
}

export const machines: NonNullable<NonNullable<Parameters<typeof startDaemon>[0]>['machines']> = {
  list: () => [waiting, joined, seen],
  find: () => details,
  approve: async () => ({
    said: '52:54:00:12:34:56 at 192.168.0.21 may have its configuration as worker worker-nuc-attic, once and within 30 min',
    changed: true,
  }),
  reject: async () => ({ said: 'worker-nuc-attic does not get its configuration', changed: true }),
  forget: async () => ({ said: 'worker-nuc-attic is forgotten: if it asks again it is new', changed: true }),
}
