/**
 * A node's log as it grows, line by line. Nodes write into a file and not into a pipe of ours: then a busy caller does not
 * hold them up, and a dead one leaves them no broken pipe.
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs"

const POLL_MS = 50
const CHUNK = 64 * 1024
/** A line longer than this is told in pieces. */
const MAX_LINE = 1024 * 1024

/**
 * @typedef {object} LogTail
 * @property {() => void} read whatever is new, now
 * @property {() => void} close reads what is left, and then no more
 */

/**
 * Lines that are appended from now on.
 * @param {string} file exists
 * @param {(line: string) => void} onLine
 * @returns {LogTail}
 */
export const tailLog = (file, onLine) => {
  const fd = openSync(file, "r")
  let position = fstatSync(fd).size
  const decoder = new TextDecoder()
  const buffer = Buffer.alloc(CHUNK)
  let rest = ""
  let isOpen = true

  const read = () => {
    if (!isOpen) return
    for (;;) {
      const size = readSync(fd, buffer, 0, CHUNK, position)
      if (size === 0) return
      position += size
      const lines = `${rest}${decoder.decode(buffer.subarray(0, size), { stream: true })}`.split("\n")
      rest = lines.pop() ?? ""
      if (rest.length > MAX_LINE) {
        lines.push(rest)
        rest = ""
      }
      for (const line of lines) onLine(line)
    }
  }
  const timer = setInterval(read, POLL_MS)

  return {
    read,
    close: () => {
      if (!isOpen) return
      read()
      isOpen = false
      clearInterval(timer)
      closeSync(fd)
      if (rest !== "") onLine(rest)
    }
  }
}

/**
 * The file's last lines.
 * @param {string} file
 * @param {{ lines?: number, from?: number, bytes?: number }} [options] of those after the byte `from`
 */
export const lastLines = (file, { lines = 20, from = 0, bytes = CHUNK } = {}) => {
  const fd = openSync(file, "r")
  try {
    const { size } = fstatSync(fd)
    const start = Math.max(from, size - bytes)
    const buffer = Buffer.alloc(Math.max(0, size - start))
    readSync(fd, buffer, 0, buffer.length, start)
    return buffer.toString().trimEnd().split("\n").slice(-lines).join("\n")
  } finally {
    closeSync(fd)
  }
}
