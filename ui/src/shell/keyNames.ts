/** What keys are called on the keyboard before the reader: ⌘ on a Mac, Ctrl elsewhere. */

const mac = /Mac|iPhone|iPad/.test(navigator.platform)

export const keyNames = { control: mac ? "⌘" : "Ctrl", alt: mac ? "⌥" : "Alt" } as const
