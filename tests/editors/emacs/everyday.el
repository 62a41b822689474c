;;; everyday.el --- Findings, hover, actions, restart, stop -*- lexical-binding: t -*-

;;; Code:

(require 'bpf-analyzer-eglot)

(case-run
 (setq eglot-sync-connect 15
       eglot-confirm-server-initiated-edits nil)
 (bpf-analyzer-eglot-setup)
 (case-open case-file)
 (case-equal 'bpf-analyzer-c-mode major-mode "mode")
 (case-wait-for-findings '("15 bpf-analyzer [missing-write-back]"))
 (case-equal "bytes[0] = 1"
             (let ((diagnostic (car (flymake-diagnostics))))
               (buffer-substring (flymake-diagnostic-beg diagnostic)
                                 (flymake-diagnostic-end diagnostic)))
             "reported text")

 (case-go-to "bpf_dynptr_slice_rdwr")
 (let (hover)
   (eglot-hover-eldoc-function (lambda (text &rest _) (setq hover text)))
   (case-wait "hover" (lambda () hover))
   (case-matches "Gives a writable pointer" hover "hover"))

 (case-go-to "bytes[0]")
 (call-interactively #'bpf-analyzer-explain)
 (with-current-buffer "*bpf-analyzer missing-write-back*"
   (case-matches "never copied back into the packet" (buffer-string) "page")
   (kill-buffer))
 (case-choose "Explain" (lambda () (eglot-code-actions (point) nil nil t)))
 (case-matches "never copied back into the packet"
               (with-current-buffer "*bpf-analyzer missing-write-back*" (buffer-string))
               "page from the action")

 (case-choose "Write `buf` back" (lambda () (eglot-code-actions (point) nil nil t)))
 (case-wait-for-findings nil)
 (case-equal (case-text (getenv "CASE_EXPECTED")) (buffer-string) "text")

 (let ((server (eglot-current-server)))
   (eglot-reconnect server)
   (case-equal nil (eq server (eglot-current-server)) "the same server"))
 (revert-buffer t t)
 (run-hooks 'post-command-hook)
 (case-wait-for-findings '("15 bpf-analyzer [missing-write-back]"))
 (bpf-analyzer-fix-all)
 (case-wait-for-findings nil)
 (case-equal (case-text (getenv "CASE_EXPECTED")) (buffer-string) "text after all fixes")

 ;; Other C of the project is not ours.
 (let ((ours (eglot-current-server)))
   (case-open (expand-file-name "plain.c" (file-name-directory case-file)))
   (case-equal 'c-mode major-mode "mode of other C")
   (case-equal nil (eglot-current-server) "server of other C")
   (eglot-shutdown ours)
   (case-wait "the end of the server" (lambda () (not (jsonrpc-running-p ours))))))

;;; everyday.el ends here
