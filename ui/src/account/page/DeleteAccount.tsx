/** The last dialog of an account. */
import { Dialog } from "@kobalte/core/dialog"
import { createSignal } from "solid-js"
import { CloseIcon } from "../../shell/icons.tsx"
import { deleteAccount, investor } from "../current.ts"
import { fieldErrors, knownPasswordError, troubleOf, troubleOfFields } from "../forms/explain.ts"
import { FormTrouble, PasswordField, SubmitButton } from "../forms/fields.tsx"
import { useForm } from "../forms/useForm.ts"
import { AccountName } from "./Password.tsx"
import { ExportButton } from "./YourData.tsx"

export const DeleteAccount = () => {
  const [open, setOpen] = createSignal(false)
  return (
    <Dialog open={open()} onOpenChange={setOpen}>
      <Dialog.Trigger class="button button-risky">Delete account…</Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Overlay class="fixed inset-0 z-50 bg-black/60" />
        <div class="dialog-place">
          <Dialog.Content class="dialog max-w-md" onInteractOutside={(event) => event.preventDefault()}>
            <div class="flex items-start justify-between gap-3">
              <Dialog.Title class="text-base font-semibold">Delete your account?</Dialog.Title>
              <Dialog.CloseButton class="icon-button -mt-1 -mr-1.5" aria-label="Close">
                <CloseIcon />
              </Dialog.CloseButton>
            </div>
            <DeleteForm onCancel={() => setOpen(false)} />
          </Dialog.Content>
        </div>
      </Dialog.Portal>
    </Dialog>
  )
}

const names = ["password"]

const DeleteForm = (props: { readonly onCancel: () => void }) => {
  const form = useForm({
    names,
    check: (value) => fieldErrors({ password: knownPasswordError(value("password")) }),
    send: async (value) => {
      const problem = await deleteAccount(value("password"))
      if (problem === null) return null
      return problem.error === "SignInRefused"
        ? troubleOfFields({ password: "This is not your password." })
        : troubleOf(problem, names)
    }
  })
  return (
    <>
      <Dialog.Description as="div" class="mt-2 text-soft">
        <p>
          This deletes <b class="font-semibold break-words text-ink">{investor()?.email}</b> for good:
        </p>
        <ul class="mt-2 list-disc space-y-1 pl-5">
          <li>every browser is signed out, and every API token stops working at once</li>
          <li>the account, its e-mail address, password, sign-ins and tokens are erased; nobody can bring them back</li>
          <li>the watch list and recent symbols that this browser keeps for you go too</li>
        </ul>
        <p class="mt-3">What stays:</p>
        <ul class="mt-2 list-disc space-y-1 pl-5">
          <li>
            lines of the server's audit log, such as “signed in”, “token created”, “account deleted”, with the time and
            a number instead of your name; addresses, browsers and names of tokens are erased from them
          </li>
          <li>log files and backups of this server, for as long as whoever runs it keeps them</li>
        </ul>
      </Dialog.Description>
      <div class="mt-4 flex items-center justify-between gap-3 rounded-lg border border-line bg-raised px-3.5 py-3">
        <p>Take a copy of your data along first.</p>
        <ExportButton />
      </div>
      <form method="post" novalidate onSubmit={form.submit} class="form mt-4" aria-label="Delete the account">
        <FormTrouble form={form} />
        <AccountName />
        <PasswordField
          form={form}
          name="password"
          label="Your password, to make sure it is you"
          autocomplete="current-password"
        />
        <div class="flex flex-wrap justify-end gap-2.5">
          <button type="button" class="button" onClick={() => props.onCancel()}>
            Keep my account
          </button>
          <SubmitButton form={form} busyText="Deleting…" class="button-danger">
            Delete for good
          </SubmitButton>
        </div>
      </form>
    </>
  )
}
