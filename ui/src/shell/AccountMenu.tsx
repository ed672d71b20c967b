/** Who this is, and the way out. */
import { DropdownMenu } from "@kobalte/core/dropdown-menu"
import { useNavigate } from "@solidjs/router"
import { Show } from "solid-js"
import { investor, isLocal } from "../account/current.ts"
import { useSignOut } from "../account/useSignOut.ts"
import { ACCOUNT } from "../account/wanted.ts"
import { PersonIcon, SignOutIcon } from "./icons.tsx"

export const AccountMenu = () => {
  const navigate = useNavigate()
  const signOut = useSignOut()
  const email = () => investor()?.email ?? null
  return (
    <DropdownMenu placement="bottom-end" gutter={6}>
      <DropdownMenu.Trigger
        class="avatar-button"
        aria-label={email() === null ? "Account" : `Account, ${email()}`}
        title={email() ?? "Account"}
        data-testid="account-menu"
      >
        <span class="avatar" aria-hidden="true">
          <Show when={email()} fallback={<PersonIcon />}>
            {(text) => initialOf(text())}
          </Show>
        </span>
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content class="menu w-64">
          <div class="px-2.5 pt-2 pb-2.5">
            <Show
              when={email()}
              fallback={
                <>
                  <p class="font-semibold">Local investor</p>
                  <p class="text-[12px] text-soft">This server signs in whoever uses this machine.</p>
                </>
              }
            >
              {(text) => (
                <>
                  <p class="text-[12px] text-soft">Signed in as</p>
                  <p class="truncate font-semibold" title={text()}>
                    {text()}
                  </p>
                </>
              )}
            </Show>
          </div>
          <DropdownMenu.Separator class="my-1 border-line" />
          <DropdownMenu.Item class="menu-item" onSelect={() => navigate(ACCOUNT)}>
            Account
            <PersonIcon />
          </DropdownMenu.Item>
          <Show when={!isLocal()}>
            <DropdownMenu.Item class="menu-item" onSelect={() => void signOut()}>
              Sign out
              <SignOutIcon />
            </DropdownMenu.Item>
          </Show>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu>
  )
}

/** The first letter, as one sign however many units it has. */
const initialOf = (email: string): string => [...email][0]?.toUpperCase() ?? ""
