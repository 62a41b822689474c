;;; settings.el --- Settings, other characters and line ends, a missing server -*- lexical-binding: t -*-

;;; Code:

(require 'bpf-analyzer-eglot)

(case-run
 (setq eglot-sync-connect 15
       eglot-confirm-server-initiated-edits nil
       bpf-analyzer-program "no-such-bpf-analyzer"
       bpf-analyzer-settings '(:severity (:missing-write-back "warning")))
 (bpf-analyzer-eglot-setup)
 (case-matches "Cannot find .no-such-bpf-analyzer.: install it with .cargo install --path server., or set"
               (condition-case problem (case-open case-file) (user-error (cadr problem)))
               "a missing server")

 (setq bpf-analyzer-program "bpf-analyzer")
 (call-interactively #'eglot)
 (case-equal 'utf-8-dos buffer-file-coding-system "line ends")
 (case-wait-for-findings '("15 bpf-analyzer [missing-write-back]"))
 (let ((diagnostic (car (flymake-diagnostics))))
   (case-equal 'eglot-warning (flymake-diagnostic-type diagnostic) "severity")
   (case-equal "bytes[0] = 1"
               (buffer-substring (flymake-diagnostic-beg diagnostic)
                                 (flymake-diagnostic-end diagnostic))
               "reported text"))
 (case-go-to "bytes[0]")
 (insert "/* ü🐝 */ ")
 (case-wait "the moved finding"
            (lambda ()
              (eglot--signal-textDocument/didChange)
              (flymake-start)
              (let ((diagnostic (car (flymake-diagnostics))))
                (and diagnostic (= (point) (flymake-diagnostic-beg diagnostic))))))
 (case-choose "Write `buf` back" (lambda () (eglot-code-actions (point) nil nil t)))
 (case-wait-for-findings nil)
 (save-buffer)
 (let ((coding-system-for-read 'utf-8-unix))
   (case-equal (case-text (getenv "CASE_EXPECTED")) (case-text case-file) "written file"))
 (eglot-shutdown (eglot-current-server)))

;;; settings.el ends here
