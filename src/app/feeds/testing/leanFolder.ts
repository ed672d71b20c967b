/** For tests: a folder in Lean's layout, written for the occasion and removed with the Scope. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { crc32, deflateRawSync } from "node:zlib"
import { Effect, type Scope } from "effect"

/** A zip of one deflated file. */
export const zipOf = (name: string, content: string | Buffer): Buffer => {
  const raw = Buffer.from(content)
  const packed = deflateRawSync(raw)
  const file = Buffer.from(name)
  const common = Buffer.alloc(26)
  common.writeUInt16LE(20, 0)
  common.writeUInt16LE(8, 4)
  common.writeUInt32LE(crc32(raw), 10)
  common.writeUInt32LE(packed.length, 14)
  common.writeUInt32LE(raw.length, 18)
  common.writeUInt16LE(file.length, 22)
  const local = Buffer.concat([Buffer.from("PK\x03\x04"), common, file, packed])
  const central = Buffer.concat([Buffer.from("PK\x01\x02\x14\x00"), common, Buffer.alloc(14), file])
  const end = Buffer.alloc(22)
  end.write("PK\x05\x06", "latin1")
  end.writeUInt16LE(1, 8)
  end.writeUInt16LE(1, 10)
  end.writeUInt32LE(central.length, 12)
  end.writeUInt32LE(local.length, 16)
  return Buffer.concat([local, central, end])
}

/** `files` by path under the folder; a path that ends in .zip is packed. */
export const leanFolder = (files: Record<string, string | Buffer>): Effect.Effect<string, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const folder = mkdtempSync(join(tmpdir(), "lzstock-lean-"))
      for (const [path, content] of Object.entries(files)) {
        mkdirSync(dirname(join(folder, path)), { recursive: true })
        const packed = path.endsWith(".zip") && typeof content === "string"
        writeFileSync(join(folder, path), packed ? zipOf("ticks.csv", content) : content)
      }
      return folder
    }),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  )
