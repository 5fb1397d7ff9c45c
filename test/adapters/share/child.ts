import { createFactory } from '../../../src/adapters/factory/factory.ts'
import { createShare } from '../../../src/adapters/share/share.ts'
import { bootName, orderOf } from './lab.ts'

/** Stages a release in a process of its own, which a test can kill: `share-child.ts URL DIRECTORY VERSION`. */
const [, , url = '', directory = '', version = ''] = process.argv
const share = createShare({ directory, image: bootName, architecture: 'amd64', keep: 2 })
await share.stage(orderOf(version), { publish: true }, createFactory(url), new AbortController().signal)
