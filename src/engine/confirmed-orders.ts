import type { Kubernetes, Talos } from '../core/cluster/ports.ts'
import type { Ports } from '../core/ports.ts'

/** What changes a node in an upgrade. */
const ofTalos: readonly (keyof Talos)[] = ['install', 'installAndReboot', 'reboot', 'rollback', 'forfeitLeadership']
const ofKubernetes: readonly (keyof Kubernetes)[] = ['cordon', 'noteMark', 'noteStaged', 'drain', 'uncordon']

/** The same ports, where each order to a node is confirmed right before it is given. What `confirm` throws, it throws. */
export function confirmedOrders(ports: Ports, confirm: () => Promise<void>): Ports {
  const talos = confirming(ports.talos, ofTalos, confirm)
  const kubernetes = confirming(ports.kubernetes, ofKubernetes, confirm)
  return new Proxy(ports, {
    get: (target, name): unknown =>
      name === 'talos' ? talos : name === 'kubernetes' ? kubernetes : Reflect.get(target, name),
  })
}

function confirming<Port extends object>(
  port: Port,
  orders: readonly (keyof Port)[],
  confirm: () => Promise<void>,
): Port {
  return new Proxy(port, {
    get: (target, name): unknown => {
      const call: unknown = Reflect.get(target, name)
      if (typeof call !== 'function' || !orders.includes(name as keyof Port)) return call
      return async (...given: unknown[]): Promise<unknown> => {
        await confirm()
        return Reflect.apply(call, target, given)
      }
    },
  })
}
