import process from 'node:process'
import { createFactory } from '../factory/factory.ts'

// An Image Factory on an address and a port, which has one release and serves a file as its UKI:
// `factory-process.ts ADDRESS PORT VERSION FILE`, until it is ended.
const [address = '', port = '', version = '', file = ''] = process.argv.slice(2)
await createFactory({ address, port: Number(port), versions: [version], files: { [version]: file } }).start()
