import type { SeenNode, SeenUps, SurveyedLink, SurveyedMachine } from '../../../src/core/setup/seen.ts'

/** A network card with a link, unless told otherwise. */
export function link(more: Partial<SurveyedLink> = {}): SurveyedLink {
  return {
    name: 'enp1s0',
    index: 2,
    isCard: true,
    mac: '00:1b:21:3a:4f:02',
    isUp: true,
    partOf: undefined,
    standsOn: undefined,
    addresses: [],
    wakesBy: undefined,
    ...more,
  }
}

export const schematicId = 'ca3fbb9c3bb73ff71b7629ef5b487c827b93878609f361b0e1e555342378b595'

export function machine(more: Partial<SurveyedMachine> = {}): SurveyedMachine {
  return {
    name: 'cp-1',
    role: 'controlplane',
    machineId: undefined,
    version: 'v1.13.9',
    architecture: 'amd64',
    schematic: schematicId,
    schematicText: undefined,
    extensions: [],
    factory: undefined,
    links: [],
    disks: [],
    members: [],
    ...more,
  }
}

export function node(more: Partial<SeenNode> = {}): SeenNode {
  return {
    name: 'cp-1',
    role: 'controlplane',
    address: '192.168.0.2',
    macs: ['00:1b:21:3a:4f:02'],
    machine: machine(),
    ...more,
  }
}

export function ups(more: Partial<SeenUps> = {}): SeenUps {
  return {
    name: 'ups',
    description: undefined,
    host: '192.168.0.6',
    port: 3493,
    model: 'Back-UPS ES 700G',
    status: 'OL CHRG',
    tells: ['charge', 'runtime', 'load'],
    loginRefused: undefined,
    isUserTried: true,
    ...more,
  }
}
