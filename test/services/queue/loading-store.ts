import { appendFileSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'

// A store with much to load, in small: it listens, and is silent or says that it is loading while there is a file that
// tells it so. Afterwards it answers, and does nothing else.
const [folder = '', ...settings] = process.argv.slice(2)
const path = settings[settings.indexOf('--unixsocket') + 1]!
const bulk = (text: string) => `$${Buffer.byteLength(text)}\r\n${text}\r\n`

function wish(): string | undefined {
  try {
    return readFileSync(join(folder, 'loading'), 'utf8')
  } catch {
    return undefined
  }
}

rmSync(path, { force: true })
createServer((socket) => {
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk) => {
    // Several commands may come at once, each an array of bulk strings.
    for (const [, text] of chunk.toString().matchAll(/\*\d+\r\n\$\d+\r\n(\w+)\r\n/g)) {
      const command = text!.toLowerCase()
      const wanted = wish()
      if (wanted === 'silent') continue
      if (command === 'shutdown') process.exit()
      if (command === 'info' && wanted === 'loading') appendFileSync(join(folder, 'questions'), '?')
      const loading = wanted === 'loading' ? 'loading:1\r\nloading_eta_secs:1' : 'loading:0'
      if (command === 'info') socket.write(bulk(`process_id:${process.pid}\r\n${loading}\r\n`))
      // HELLO and CLIENT are answered while it loads, as INFO is.
      else if (command === 'ping' && wanted === 'loading')
        socket.write('-LOADING Redis is loading the dataset in memory\r\n')
      else socket.write(command === 'ping' ? '+PONG\r\n' : '+OK\r\n')
    }
  })
}).listen(path)
