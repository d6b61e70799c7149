#!/usr/bin/env node
import { cli } from './cli.js'

// a reader that has seen enough (`| head`) is no error
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit()
})

process.exitCode = await cli(process.argv.slice(2), { stdout: process.stdout, stderr: process.stderr })
