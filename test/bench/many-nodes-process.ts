// As many Talos nodes as it is told to, in a process of their own. Says where their configuration lies as soon as all are
// ready, and then how many connections there were, whenever it is asked.
import { subscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { type ClusterOrder, startCluster } from './cluster.ts'

const apid = 50_000

let connections = 0
subscribe('net.server.socket', (message) => {
  if ((message as { socket: Socket }).socket.localPort === apid) connections++
})
process.once('disconnect', () => process.exit())

const order: ClusterOrder = JSON.parse(process.argv[2]!)
const { file } = await startCluster(order)
process.on('message', () => process.send?.(connections))
process.send?.(file)
