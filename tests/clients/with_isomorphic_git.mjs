// Clones, commits, pushes and deletes with isomorphic-git, and prints the commit's id.
//
// Usage: node with_isomorphic_git.mjs URL CERTIFICATE
//
// URL is a subcluster's, with name and password in it. CERTIFICATE is the file to verify the server
// with. isomorphic-git is looked for where NODE_PATH points.

import assert from 'node:assert'
import fs from 'node:fs'
import https from 'node:https'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'

const require = createRequire(import.meta.url)
const git = require('isomorphic-git')
const http = require('isomorphic-git/http/node')

const [url, certificate] = process.argv.slice(2)
https.globalAgent.options.ca = fs.readFileSync(certificate)

const topic = 'refs/heads/topic/isomorphic-git'
const file = 'default/isomorphic-git.conf'
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'isomorphic-git-'))
process.on('exit', () => fs.rmSync(directory, { recursive: true }))
const [first, second] = ['first', 'second'].map((name) => ({
  fs, http, url, dir: path.join(directory, name)
}))

await git.clone({ ...first, singleBranch: true })
fs.writeFileSync(path.join(first.dir, file), '# isomorphic-git\n')
await git.add({ ...first, filepath: file })
const author = { name: 'Jane', email: 'jane@example.com' }
const commit = await git.commit({ ...first, message: 'With isomorphic-git\n', author })
await push({ ref: 'boot', remoteRef: 'refs/heads/boot' })
await push({ ref: 'boot', remoteRef: topic })

await git.clone({ ...second, depth: 1 })
assert.equal(await git.resolveRef({ ...second, ref: 'HEAD' }), commit)
assert.equal(fs.readFileSync(path.join(second.dir, file), 'utf8'), '# isomorphic-git\n')
assert.equal((await git.log(second)).length, 1)
assert(await isThere(topic))

await push({ ref: 'boot', remoteRef: topic, delete: true })
assert(!await isThere(topic))
console.log(commit)

async function push(options) {
  const result = await git.push({ ...first, ...options })
  assert(result.ok, JSON.stringify(result))
}

async function isThere(ref) {
  const refs = await git.listServerRefs({ http, url, prefix: ref })
  return refs.some((found) => found.ref === ref)
}
