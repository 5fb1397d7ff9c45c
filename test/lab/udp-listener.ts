import { createSocket } from 'node:dgram'

// Says `ready`, and then each packet that comes to a port, as JSON. Without a port it only stays until it is killed.
const [, , port] = process.argv
if (port === undefined) {
  console.log('ready')
  process.stdin.resume()
} else {
  const socket = createSocket('udp4')
  socket.on('message', (packet, { address }) =>
    console.log(JSON.stringify({ hex: packet.toString('hex'), from: address })),
  )
  socket.bind(Number(port), () => console.log('ready'))
}
