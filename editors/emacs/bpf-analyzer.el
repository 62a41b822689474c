;;; bpf-analyzer.el --- Findings in BPF C -*- lexical-binding: t -*-

;; SPDX-License-Identifier: MIT OR Apache-2.0
;; Version: 0.1.0
;; Package-Requires: ((emacs "28.1"))
;; Keywords: c, languages, tools

;;; Commentary:

;; What the ways to run bpf-analyzer in Emacs share: the program, a major mode for BPF C, and commands
;; that need no language server.  `bpf-analyzer-eglot' is the language server, `bpf-analyzer-flymake'
;; brings the findings to buffers that another language server manages.

;;; Code:

(require 'cc-mode)
(require 'compile)
(require 'flymake)
(require 'project)

(defgroup bpf-analyzer nil
  "Findings in BPF C."
  :group 'tools
  :prefix "bpf-analyzer-")

(defcustom bpf-analyzer-program "bpf-analyzer"
  "The program that is run: a file, or a name to look for in variable `exec-path'."
  :type 'string)

(defun bpf-analyzer--program ()
  "Return the program, or signal that it is not there and what to do."
  (or (executable-find bpf-analyzer-program)
      (user-error
       "Cannot find `%s': install it with `cargo install --path server', or set `bpf-analyzer-program'"
       bpf-analyzer-program)))

;;;###autoload
(define-derived-mode bpf-analyzer-c-mode c-mode "BPF C"
  "Major mode for BPF C.
It is `c-mode' under another name, so that BPF C can have a language
server of its own in a project with other C.")

(put 'bpf-analyzer-c-mode 'eglot-language-id "c")

(defun bpf-analyzer--rule (diagnostic)
  "Return the rule that made DIAGNOSTIC, or nil if another tool made it."
  (let ((text (flymake-diagnostic-text diagnostic)))
    (when (string-match "\\`bpf-analyzer \\[\\([a-z0-9-]+\\)\\]" text)
      (match-string 1 text))))

(defun bpf-analyzer--rule-at-point ()
  "Return the rule of the finding at point, else of the first in its line."
  (seq-some #'bpf-analyzer--rule
            (append (flymake-diagnostics (point))
                    (flymake-diagnostics (line-beginning-position) (line-end-position)))))

;;;###autoload
(defun bpf-analyzer-explain (rule)
  "Show the page of RULE; interactively, that of the finding at point."
  (interactive
   (list (let ((here (bpf-analyzer--rule-at-point)))
           (if (and here (not current-prefix-arg))
               here
             (read-string (format-prompt "Explain rule" here) nil nil here)))))
  (let ((program (bpf-analyzer--program)))
    (with-temp-buffer
      (unless (eql 0 (call-process program nil t nil "explain" rule))
        (user-error "%s" (string-trim (buffer-string))))
      (let ((page (buffer-string)))
        (with-help-window (format "*bpf-analyzer %s*" rule)
          (princ page))))))

;;;###autoload
(defun bpf-analyzer-check-project ()
  "Check all BPF C of the project and list the findings as a compilation."
  (interactive)
  (let* ((project (project-current))
         (default-directory (if project (project-root project) default-directory)))
    (compilation-start
     (concat (shell-quote-argument (bpf-analyzer--program)) " check --format concise --color never")
     nil
     (lambda (_mode) "*bpf-analyzer check*"))))

(provide 'bpf-analyzer)

;;; bpf-analyzer.el ends here
