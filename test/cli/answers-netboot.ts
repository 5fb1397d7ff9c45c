import { recipeFor } from '../../src/core/netboot/recipes/recipe.ts'
import type { BootTry, NetbootMachine } from '../../src/core/netboot/requests.ts'
import type { startDaemon } from '../http/daemon.ts'
import { ago } from './answers-time.ts'

/** Machines that boot from the network: one that came through, one that stopped, one that is left alone. */

const through: BootTry = {
  startedAt: ago(14),
  lastAt: ago(12),
  machine: '52:54:00:12:34:56',
  mac: '52:54:00:12:34:56',
  uuid: '564d0000-0000-4000-8000-525400123456',
  address: '192.168.0.111',
  kind: 'pxe',
  firmware: 'UEFI x64',
  architecture: 'amd64',
  classId: 'PXEClient:Arch:00007:UNDI:003000',
  asked: 1,
  phase: 'started',
  why: 'it was asked to boot from the network once',
  file: 'metal-amd64-uki.efi',
  isServedHere: true,
  blockSize: 1_468,
  windowSize: 4,
  bytes: 99_614_720,
  arrived: 99_614_720,
  took: 8_600,
  resent: 3,
  rate: 11_583_107,
  said: 'has started its system',
}

const stopped: BootTry = {
  startedAt: ago(90),
  lastAt: ago(89),
  machine: '00:1b:21:3a:4f:02',
  mac: '00:1b:21:3a:4f:02',
  kind: 'pxe',
  firmware: 'UEFI x64',
  asked: 4,
  phase: 'offered',
  said: 'asked 4 times and took no offer',
  next: 'Some firmware does not take what comes beside the offer of its DHCP server. Try `offer: port-4011` for it under netboot.machines',
}

const machines: readonly NetbootMachine[] = [
  {
    machine: 'worker-nuc-attic',
    isKnown: true,
    mac: '52:54:00:12:34:56',
    uuid: '564d0000-0000-4000-8000-525400123456',
    maker: 'QEMU',
    boots: false,
    why: 'it is installed',
    last: through,
  },
  {
    machine: '00:1b:21:3a:4f:02',
    isKnown: false,
    mac: '00:1b:21:3a:4f:02',
    boots: true,
    why: 'it is not in the configuration',
    last: stopped,
  },
  { machine: 'w-2', isKnown: true, boots: true, why: 'netboot.machines says always', armedUntil: ago(-600) },
]

export const netboot: NonNullable<NonNullable<Parameters<typeof startDaemon>[0]>['netboot']> = {
  status: () => machines,
  find: () => ({ ...machines[0]!, tries: [through, stopped] }),
  once: () => ({ said: 'w-1 boots from the network the next time that it asks, within 24 h', changed: true }),
  check: async () => ({
    architecture: 'amd64',
    loads: 'tftp',
    mac: '52:54:00:12:34:56',
    offers: [
      {
        server: '192.168.0.1',
        address: '192.168.0.111',
        classId: undefined,
        bootServer: '192.168.0.1',
        file: 'pxelinux.0',
        sizeInBlocks: undefined,
        hasPxeOptions: false,
      },
      {
        server: '192.168.0.10',
        address: undefined,
        classId: 'PXEClient',
        bootServer: '192.168.0.6',
        file: 'metal-amd64-uki.efi',
        sizeInBlocks: undefined,
        hasPxeOptions: true,
      },
    ],
    chosen: { by: 'tftp', told: '192.168.0.10', server: '192.168.0.6', file: 'metal-amd64-uki.efi' },
    findings: [
      { verdict: 'ok', text: '192.168.0.1 offers an address' },
      { verdict: 'ok', text: '192.168.0.10 has machines boot metal-amd64-uki.efi of 192.168.0.6' },
      {
        verdict: 'warning',
        text: '192.168.0.1 says what to boot as well, pxelinux.0, and UEFI firmware takes what 192.168.0.10 says',
        next: 'Leave one of them to say it',
      },
      {
        verdict: 'failed',
        text: 'the TFTP server 192.168.0.6 does not answer (5 s): does it run, and does a firewall let UDP through?',
        next: 'See that its TFTP server runs and serves the share',
      },
    ],
  }),
  recipe: async ({ router }) =>
    recipeFor(router, {
      server: '192.168.0.6',
      files: { amd64: 'metal-amd64-uki.efi' },
      http: undefined,
      network: '192.168.0.0/24',
    }),
}
