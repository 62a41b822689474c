;;; bpf-analyzer-eglot.el --- BPF C with bpf-analyzer as its language server -*- lexical-binding: t -*-

;; SPDX-License-Identifier: MIT OR Apache-2.0
;; Version: 0.1.0
;; Package-Requires: ((emacs "28.1") (eglot "1.9"))
;; Keywords: c, languages, tools

;;; Commentary:

;; (require 'bpf-analyzer-eglot)
;; (bpf-analyzer-eglot-setup)
;;
;; Files named `*.bpf.c' are then managed by `bpf-analyzer lsp'.  Eglot allows one server per buffer:
;; clangd keeps the other C files of the project, and says nothing in these.  Who wants clangd in them
;; uses `bpf-analyzer-flymake' instead, which has the findings but no fixes.

;;; Code:

(require 'bpf-analyzer)
(require 'eglot)

(defcustom bpf-analyzer-settings nil
  "Settings sent to the server when it starts.
A property list with the keys of bpf-analyzer.toml, for instance
\(:kernel \"6.12\" :ignore [\"needless-write-back\"])."
  :type '(plist :key-type symbol :value-type sexp)
  :group 'bpf-analyzer)

(defclass bpf-analyzer-eglot-server (eglot-lsp-server) ()
  :documentation "A running `bpf-analyzer lsp'.")

(cl-defmethod eglot-execute-command
  ((_server bpf-analyzer-eglot-server) (_command (eql bpf-analyzer.explainRule)) arguments)
  "Show the page of the rule in ARGUMENTS."
  (bpf-analyzer-explain (elt arguments 0)))

(defun bpf-analyzer-eglot-contact (&optional _interactive)
  "Return the command for Eglot, with its class and its settings."
  `(bpf-analyzer-eglot-server
    ,(bpf-analyzer--program) "lsp"
    ,@(when bpf-analyzer-settings
        (list :initializationOptions bpf-analyzer-settings))))

(defun bpf-analyzer-fix-all ()
  "Apply all safe fixes of this buffer."
  (interactive)
  (eglot-code-actions (point-min) (point-max) "source.fixAll.bpf-analyzer" t))

;;;###autoload
(defun bpf-analyzer-eglot-setup ()
  "Let `bpf-analyzer lsp' manage files named *.bpf.c from now on."
  (add-to-list 'auto-mode-alist '("\\.bpf\\.c\\'" . bpf-analyzer-c-mode))
  (add-to-list 'eglot-server-programs '(bpf-analyzer-c-mode . bpf-analyzer-eglot-contact))
  (add-hook 'bpf-analyzer-c-mode-hook #'eglot-ensure))

(provide 'bpf-analyzer-eglot)

;;; bpf-analyzer-eglot.el ends here
