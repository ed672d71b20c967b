import { Show } from "solid-js"
import { formatDate, formatExact } from "../../format/moments.ts"
import { investor } from "../current.ts"
import { useSignOut } from "../useSignOut.ts"
import { Section } from "./parts.tsx"

export const Profile = () => {
  const signOut = useSignOut()
  return (
    <Section id="profile" title="Profile">
      <Show when={investor()}>
        {(who) => (
          <div class="account-row">
            <div class="min-w-0">
              <p class="truncate text-[14.5px] font-semibold" data-testid="profile-email">
                {who().email}
              </p>
              <p class="text-soft">
                Investor since{" "}
                <time datetime={new Date(who().createdAt).toISOString()} title={formatExact(who().createdAt)}>
                  {formatDate(who().createdAt)}
                </time>
              </p>
            </div>
            <button type="button" class="button" onClick={() => void signOut()}>
              Sign out
            </button>
          </div>
        )}
      </Show>
    </Section>
  )
}

export const LocalNote = () => (
  <Section id="profile" title="Local investor">
    <div class="p-4">
      <p class="font-semibold">This server signs in whoever uses this machine.</p>
      <p class="mt-1 max-w-[62ch] text-soft">
        So there is no e-mail address, no password, and nothing to sign out of. Programs on this machine need no token
        either.
      </p>
    </div>
  </Section>
)
